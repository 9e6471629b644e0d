/**
 * Records of a notebook as a list of cells: re-runs together, sorted, named.
 *
 * Pure; imports record and tokens.
 */
import { co2eOf, energyOf } from './record';
import type { ICellName, IRecord, IRunning } from './tokens';

/** The runs of one cell. */
export interface ICellGroup {
  /** Identity of the group: stable while runs are added. */
  key: string;
  cellId: string;
  /** What the cell is called. */
  title: string;
  /** The newest run. */
  latest: IRecord;
  /** All runs, newest first. */
  runs: IRecord[];
  /** Joules of all runs; null where none was measured. */
  energyJ: number | null;
  /** Runs that did not end well. */
  failed: number;
  /** Whether the cell is no longer in the notebook. */
  isDeleted: boolean;
}

/** By what the list is sorted. */
export type SortKey = 'newest' | 'position' | 'energy' | 'duration' | 'co2e';

/** The status of a run that did not end well. */
const FAILED = ['error', 'interrupted', 'killed'];

/** Whether a run did not end well. */
export function isFailed(record: IRecord): boolean {
  return FAILED.includes(record.status);
}

/**
 * Group records by their cell.
 *
 * #### Notes
 * Records without a cell id (headless runs, `%energy` lines in scripts) are grouped by
 * their source, else by their label; a record with none of these stands alone.  Windows
 * inside another one are left out: their energy is part of the outer one's.
 */
export function groupRecords(
  records: readonly IRecord[],
  cells: ReadonlyMap<string, ICellName>
): ICellGroup[] {
  const groups = new Map<string, IRecord[]>();
  for (const record of records) {
    if (record.parent || record.status === 'running') {
      continue;
    }
    const key = keyOf(record);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups].map(([key, runs]) => group(key, runs, cells));
}

/** Sort groups in place of a copy; the newest first among equals. */
export function sortGroups(
  groups: readonly ICellGroup[],
  by: SortKey,
  cells: ReadonlyMap<string, ICellName>
): ICellGroup[] {
  const newest = (g: ICellGroup) => Date.parse(g.latest.started_at ?? '') || 0;
  const place = (g: ICellGroup) =>
    cells.get(g.cellId)?.position ?? Number.MAX_SAFE_INTEGER;
  const largest = (value: number | null) => -(value ?? -1);
  const keys: { [key in SortKey]: (g: ICellGroup) => number } = {
    newest: g => -newest(g),
    position: place,
    energy: g => largest(energyOf(g.latest)),
    duration: g => -g.latest.duration_s,
    co2e: g => largest(co2eOf(g.latest))
  };
  const key = keys[by];
  return [...groups].sort((a, b) => key(a) - key(b) || newest(b) - newest(a));
}

/** What a running cell is called. */
export function runningTitle(
  running: IRunning,
  cells: ReadonlyMap<string, ICellName>
): string {
  return (
    running.label ||
    cells.get(running.cell_id ?? '')?.firstLine ||
    countText(running.execution_count)
  );
}

/** `In [5]`, or an empty string where the count is unknown. */
export function countText(count: number | null | undefined): string {
  return count === null || count === undefined ? '' : `In [${count}]`;
}

/** Put a new or changed record into a list that is newest first. */
export function upsert(
  records: readonly IRecord[],
  record: IRecord
): IRecord[] {
  const at = records.findIndex(known => known.id === record.id);
  if (at < 0) {
    return [record, ...records];
  }
  const changed = [...records];
  changed[at] = record;
  return changed;
}

function keyOf(record: IRecord): string {
  if (record.cell_id) {
    return `cell ${record.cell_id}`;
  }
  if (record.source_sha256) {
    return `source ${record.source_sha256}`;
  }
  return record.label ? `label ${record.label}` : `run ${record.id}`;
}

function group(
  key: string,
  runs: IRecord[],
  cells: ReadonlyMap<string, ICellName>
): ICellGroup {
  const latest = runs.reduce((newest, run) =>
    (run.started_at ?? '') > (newest.started_at ?? '') ? run : newest
  );
  const cellId = latest.cell_id ?? '';
  const measured = runs.flatMap(run => energyOf(run) ?? []);
  return {
    key,
    cellId,
    title:
      latest.label ||
      cells.get(cellId)?.firstLine ||
      countText(latest.execution_count),
    latest,
    runs,
    energyJ: measured.length ? measured.reduce((sum, j) => sum + j, 0) : null,
    failed: runs.filter(isFailed).length,
    // Without a cell id nobody can say where it stands.
    isDeleted: cellId !== '' && !cells.has(cellId)
  };
}
