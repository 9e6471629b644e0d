/** What is said where there is nothing, or not everything, to show. */
import { describe, expect, it } from 'vitest';

import { isRemote, notebookNotice, serverNotices } from '../src/states';
import type { StateSource } from '../src/states';
import { FakeNotebook, HOST, record, trans } from './fakes';

function source(change: Partial<StateSource> = {}): StateSource {
  return {
    connection: 'live',
    host: HOST,
    problem: null,
    notebook: new FakeNotebook(),
    records: [],
    running: [],
    ...change
  };
}

function notebook(change: Partial<FakeNotebook>): FakeNotebook {
  return Object.assign(new FakeNotebook(), change);
}

describe('states of the server', () => {
  it.each([
    ['missing', 'server-missing'],
    ['forbidden', 'forbidden'],
    ['offline', 'offline']
  ] as const)('a connection that is %s is told', (connection, id) => {
    const [notice] = serverNotices(source({ connection }), trans);
    expect(notice!.id).toBe(id);
    expect(notice!.action?.label).toBe('Try again');
  });

  it('a server that says what is wrong is not said to be silent', () => {
    const problem = {
      message: 'the server failed',
      reason: 'KeyError: x',
      remedy: 'Please report this'
    };
    const [notice] = serverNotices(
      source({ connection: 'offline', problem }),
      trans
    );
    expect(notice!.title).toBe('the server failed');
    expect(notice!.text).toContain('KeyError: x. Please report this.');
    const [silent] = serverNotices(source({ connection: 'offline' }), trans);
    expect(silent!.title).toBe('The server does not answer');
  });

  it('nothing is said where all is well', () => {
    expect(serverNotices(source(), trans)).toEqual([]);
  });

  it('an unreadable ledger is told with its folder and the reason', () => {
    const ledger = { folder: '/l', readable: false, problem: 'no permission' };
    const [notice] = serverNotices(
      source({ host: { ...HOST, ledger } }),
      trans
    );
    expect(notice!.id).toBe('ledger-unreadable');
    expect(notice!.text).toBe('/l: no permission');
  });
});

describe('states of the notebook', () => {
  it.each([
    [null, 'no-notebook'],
    [notebook({ kernelState: 'none' }), 'no-kernel'],
    [notebook({ kernelState: 'dead' }), 'kernel-dead'],
    [notebook({ kernelState: 'foreign', language: 'R' }), 'kernel-foreign'],
    [notebook({}), 'not-loaded']
  ])('case %#', (open, id) => {
    expect(notebookNotice(source({ notebook: open }), trans)?.id).toBe(id);
  });

  it('the kernel’s language is named as the kernel names it', () => {
    const open = notebook({ kernelState: 'foreign', language: '<b>R</b>' });
    const notice = notebookNotice(source({ notebook: open }), trans);
    expect(notice?.title).toBe('The kernel speaks <b>R</b>');
  });

  it('the magic keeps both its percent signs', () => {
    const notice = notebookNotice(source(), trans);
    expect(notice?.text).toContain(' %%energy ');
  });

  it('nothing is said once the kernel has metered, or while it starts', () => {
    const loaded = notebook({ metering: 'loaded' });
    expect(notebookNotice(source({ notebook: loaded }), trans)).toBeNull();
    const starting = notebook({ kernelState: 'starting' });
    expect(notebookNotice(source({ notebook: starting }), trans)).toBeNull();
  });

  it('a kernel on another host is told', () => {
    const there = source({ records: [record({ host: { id: 'there' } })] });
    expect(isRemote(there)).toBe(true);
    expect(notebookNotice(there, trans)?.id).toBe('kernel-remote');
    const here = source({ records: [record({ host: { id: 'here' } })] });
    expect(isRemote(here)).toBe(false);
  });

  it('a running cell of this notebook says where the kernel is now', () => {
    const window = {
      id: 'w',
      cell_id: 'a',
      duration_s: 1,
      energy_j: 1,
      co2e_g: null
    };
    const moved = source({
      records: [record({ host: { id: 'here' } })],
      running: [{ ...window, host_id: 'there' }]
    });
    expect(isRemote(moved)).toBe(true);
    const other = { ...window, cell_id: 'x', host_id: 'there' };
    expect(isRemote(source({ running: [other] }))).toBe(false);
  });
});
