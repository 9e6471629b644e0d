/** Stand-ins for the server, the socket and the notebook, and values to fill them. */
import { nullTranslator } from './translation';
import { Signal } from '@lumino/signaling';

import type {
  Connection,
  IBudget,
  IBudgets,
  ICellName,
  IGreenApi,
  IGreenStream,
  IHost,
  INotebook,
  IPowerSample,
  IRecord,
  IRecords,
  ITotals,
  KernelState,
  Metering,
  Scope,
  StreamMessage
} from '../src/tokens';

/** Words as they are in the sources. */
export const trans = nullTranslator.load('jupyter_green');

/** A host with a GPU that is measured and a CPU that is not. */
export const HOST: IHost = {
  version: '0.1.0',
  host: { id: 'here' },
  devices: [
    { id: 'gpu', kind: 'gpu', index: 0, name: 'A GPU', method: 'counter' },
    {
      id: 'cpu',
      kind: 'cpu',
      index: 0,
      name: 'A CPU',
      method: 'none',
      reason: 'energy_uj cannot be read',
      remedy: 'sudo chmod a+r energy_uj'
    }
  ],
  findings: [],
  ledger: { folder: '/home/me/ledger', readable: true, runs: 3 },
  location: {
    intensity: { g_per_kwh: 56.04, zone: 'FRA', source: 'a table', year: 2023 },
    pue: 1.2
  }
};

/** A finished run of 100 J in 2 s. */
export function record(change: Partial<IRecord> = {}): IRecord {
  return {
    id: 'r1',
    duration_s: 2,
    devices: [
      {
        id: 'gpu',
        kind: 'gpu',
        method: 'counter',
        energy_j: 100,
        uncertainty_j: 5
      }
    ],
    started_at: '2026-11-23T10:00:00Z',
    status: 'ok',
    final: true,
    cell_id: 'a',
    ...change
  };
}

/** A sample with the same power for both devices. */
export function sample(t: number, watts: number | null): IPowerSample {
  const total = watts === null ? null : 2 * watts;
  return { t, power_w: { gpu: watts, cpu: watts }, total_w: total };
}

/** Totals with one run. */
export function totals(scope: Scope): ITotals {
  return {
    scope,
    energy_j: 3600,
    uncertainty_j: 180,
    co2e_g: 0.5,
    duration_s: 10,
    runs: 1,
    failed_runs: 0,
    unmeasured_runs: 0,
    runs_without_co2e: 0,
    methods: { counter: 3600 }
  };
}

/** A budget of 50 Wh for the notebook of the fakes, a tenth of it used. */
export function budget(change: Partial<IBudget> = {}): IBudget {
  return {
    scope: 'notebook',
    name: '/srv/work/one.ipynb',
    path: 'work/one.ipynb',
    limit: 180_000,
    used: 18_000,
    unit: 'J',
    fraction: 0.1,
    state: 'within',
    stop: false,
    since: '',
    runs: 2,
    running_runs: 0,
    unmeasured_runs: 0,
    runs_without_co2e: 0,
    ...change
  };
}

/** An answer with these budgets. */
export function budgets(...known: IBudget[]): IBudgets {
  return { state: 'ready', budgets: known, problems: [], left_out: 0 };
}

/** A server that answers at once, and remembers what it was asked. */
export class FakeApi implements IGreenApi {
  asked: string[] = [];
  hostAnswer: () => Promise<IHost> = () => Promise.resolve(HOST);
  answers = new Map<string, IRecord[]>();
  budgetsAnswer: IBudgets = budgets();

  host(path: string) {
    this.asked.push(`host ${path}`);
    return this.hostAnswer();
  }

  power(since: number) {
    this.asked.push(`power ${since}`);
    return Promise.resolve({ now: 10, interval_s: 1, samples: [] });
  }

  totals(scope: Scope, path: string) {
    this.asked.push(`totals ${scope} ${path}`);
    return Promise.resolve(totals(scope));
  }

  budgets(path: string) {
    this.asked.push(`budgets ${path}`);
    return Promise.resolve(this.budgetsAnswer);
  }

  records(path: string, _limit: number, before?: string): Promise<IRecords> {
    this.asked.push(`records ${path}${before ? ` before ${before}` : ''}`);
    const records = this.answers.get(path) ?? [];
    return Promise.resolve({ records, more: false });
  }

  tag(id: string, change: { purpose?: string }) {
    return Promise.resolve(record({ id, ...change }));
  }

  setLocation() {
    return Promise.resolve(HOST.location!);
  }

  locations() {
    return Promise.resolve({ countries: [], clouds: [] });
  }

  report() {
    return Promise.resolve('job');
  }

  reportJob() {
    return Promise.resolve({ state: 'done', files: ['energy-appendix.md'] });
  }

  idle() {
    this.asked.push('idle');
    return Promise.resolve({ kernels: [], reason: null });
  }

  doctor() {
    return Promise.resolve({ text: '', findings: [] });
  }
}

/** A stream that says what the test makes it say. */
export class FakeStream implements IGreenStream {
  connection: Connection = 'live';
  readonly connectionChanged = new Signal<this, Connection>(this);
  readonly message = new Signal<this, StreamMessage>(this);
  /** Whether it runs, and for whom. */
  state: 'stopped' | 'started' | 'watched' = 'stopped';
  isDisposed = false;

  start(watched: boolean): void {
    this.state = watched ? 'watched' : 'started';
  }

  stop(): void {
    this.state = 'stopped';
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

/** A notebook with the cells `a` and `b`. */
export class FakeNotebook implements INotebook {
  path = 'work/one.ipynb';
  kernelState: KernelState = 'ready';
  language = 'python';
  metering: Metering = 'unknown';
  cells = new Map<string, ICellName>([
    ['a', { position: 0, firstLine: 'train()' }],
    ['b', { position: 1, firstLine: 'plot()' }]
  ]);
  readonly changed = new Signal<this, void>(this);
  isDisposed = false;
  revealed = '';

  reveal(cellId: string): void {
    this.revealed = cellId;
  }

  execute() {
    return Promise.resolve({ status: 'ok' as const });
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

/** Let all answers arrive that are already given. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await Promise.resolve();
  }
}
