/** Records as a list of cells. */
import { describe, expect, it } from 'vitest';

import { groupRecords, sortGroups, upsert } from '../src/groups';
import { FakeNotebook, record } from './fakes';

const { cells } = new FakeNotebook();
const GPU = record().devices[0]!;
const at = (minute: number) => `2026-11-23T10:0${minute}:00Z`;

describe('groupRecords', () => {
  it('puts the runs of one cell together, under the newest', () => {
    const runs = [
      record({ id: 'new', started_at: at(2), status: 'error' }),
      record({ id: 'old', started_at: at(1) })
    ];
    const [cell, ...others] = groupRecords(runs, cells);
    expect(others).toEqual([]);
    expect(cell!.latest.id).toBe('new');
    expect(cell!.energyJ).toBe(200);
    expect(cell!.failed).toBe(1);
    expect(cell!.title).toBe('train()');
  });

  it('says that a cell is gone, and keeps its cost', () => {
    const [cell] = groupRecords([record({ cell_id: 'gone' })], cells);
    expect(cell!.isDeleted).toBe(true);
    expect(cell!.energyJ).toBe(100);
  });

  it('does not call a record without a cell id deleted', () => {
    const runs = [
      record({ id: '1', cell_id: '', source_sha256: 'x', execution_count: 7 }),
      record({ id: '2', cell_id: undefined, source_sha256: 'x' }),
      record({ id: '3', cell_id: '', label: 'epoch' }),
      record({ id: '4', cell_id: '' })
    ];
    const groups = groupRecords(runs, cells);
    expect(groups.map(g => g.runs.length)).toEqual([2, 1, 1]);
    expect(groups.every(g => !g.isDeleted)).toBe(true);
    expect(groups[0]!.title).toBe('In [7]');
  });

  it('leaves out what is inside another window, or still runs', () => {
    const runs = [
      record({ id: '1', parent: 'outer' }),
      record({ id: '2', status: 'running' })
    ];
    expect(groupRecords(runs, cells)).toEqual([]);
  });
});

describe('sortGroups', () => {
  const groups = groupRecords(
    [
      record({ id: '1', cell_id: 'a', started_at: at(1), duration_s: 9 }),
      record({
        id: '2',
        cell_id: 'b',
        started_at: at(2),
        devices: [{ ...GPU, energy_j: 500 }]
      }),
      record({
        id: '3',
        cell_id: 'gone',
        started_at: at(3),
        devices: [{ ...GPU, energy_j: null }]
      })
    ],
    cells
  );
  it.each([
    ['newest', ['gone', 'b', 'a']],
    ['position', ['a', 'b', 'gone']],
    ['energy', ['b', 'a', 'gone']],
    ['duration', ['a', 'gone', 'b']]
  ] as const)('by %s gives %s', (by, expected) => {
    expect(sortGroups(groups, by, cells).map(g => g.cellId)).toEqual(expected);
  });
});

describe('upsert', () => {
  it('puts a new record first and replaces a known one where it stands', () => {
    const known = [record({ id: '2' }), record({ id: '1' })];
    expect(upsert(known, record({ id: '3' })).map(r => r.id)).toEqual([
      '3',
      '2',
      '1'
    ]);
    const changed = upsert(known, record({ id: '1', purpose: 'final' }));
    expect(changed.map(r => r.purpose)).toEqual([undefined, 'final']);
  });
});
