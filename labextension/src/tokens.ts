/**
 * The words that server, model and views share: values on the wire, and the model's face.
 *
 * Values keep the names that the server gives them, units included.  Missing is null.
 * Imports nothing of this extension.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

/** How a figure came about; `none`: there is no figure. */
export type Method = 'counter' | 'integrated' | 'estimated' | 'simulated';

/** The four sums that the panel shows. */
export type Scope = 'notebook' | 'today' | 'project' | 'all';

/** The purposes that a record can be tagged with, as in the Python package. */
export const PURPOSES = [
  'final',
  'search',
  'ablation',
  'development',
  'inference',
  'other'
] as const;

/** The sums, in the order in which they are shown. */
export const SCOPES: readonly Scope[] = ['notebook', 'today', 'project', 'all'];

/** What went wrong, why, and what to do about it. */
export interface IProblem {
  message: string;
  reason: string;
  remedy: string;
}

/** A device of the server's host and how its power is known. */
export interface IDevice {
  id: string;
  kind: string;
  index: number;
  name: string;
  method: Method | 'none';
  resolution_j?: number | null;
  period_s?: number | null;
  power_limit_w?: number | null;
  scope?: string;
  reason?: string | null;
  remedy?: string | null;
}

/** One line of what `jupyter green doctor` finds. */
export interface IFinding {
  severity: 'ok' | 'warning' | 'missing';
  title: string;
  reason?: string | null;
  remedy?: string | null;
}

/** Carbon intensity in g CO2e per kWh, with its identity. */
export interface IIntensity {
  g_per_kwh: number;
  zone: string;
  source: string;
  year?: number | null;
  kind?: string;
  licence?: string;
  assumed?: boolean;
}

/** Where the machine stands, as far as anybody has said. */
export interface ILocation {
  country?: string | null;
  region?: string | null;
  cloud?: string | null;
  intensity?: IIntensity | null;
  pue: number;
  pue_source?: string | null;
  origin?: string | null;
}

/** A place as the user states it. */
export interface ILocationChange {
  country?: string;
  region?: string;
  cloud?: string;
  intensity_g_per_kwh?: number;
  intensity_source?: string;
  pue?: number;
  pue_source?: string;
}

/** The places that the package has data for. */
export interface ILocations {
  countries: { code: string; name: string; regions: string[] }[];
  clouds: { provider: string; region: string; name: string }[];
}

/** The server's host, its devices, its ledger and the settings in force. */
export interface IHost {
  version: string;
  host: { id: string; boot_id?: string | null; name?: string | null };
  devices: IDevice[];
  findings: IFinding[];
  ledger: {
    folder: string;
    readable: boolean;
    problem?: string | null;
    runs?: number | null;
  };
  location?: ILocation | null;
  project_file?: string | null;
  report_formats?: string[];
}

/** Power in watts at one time, by device. */
export interface IPowerSample {
  t: number;
  power_w: { [device: string]: number | null };
  total_w: number | null;
}

/** Answer of `power`. */
export interface IPower {
  now: number;
  interval_s: number;
  samples: IPowerSample[];
}

/** The cost of all records of one scope. */
export interface ITotals {
  /** `reading`: the server has not read the whole ledger yet. */
  state?: 'ready' | 'reading';
  scope: Scope;
  energy_j: number | null;
  uncertainty_j: number | null;
  co2e_g: number | null;
  co2e_low_g?: number | null;
  co2e_high_g?: number | null;
  duration_s: number | null;
  runs: number;
  failed_runs: number;
  running_runs?: number;
  unmeasured_runs: number;
  runs_without_co2e: number;
  methods: { [method in Method]?: number };
  shared_runs?: number;
  nested_runs?: number;
  problems?: unknown[];
}

/** What a budget is for. */
export type BudgetScope = 'notebook' | 'label' | 'project';

/** How far a budget is used; null where a figure is missing. */
export interface IBudget {
  scope: BudgetScope;
  /** The notebook's whole path, the label, or the project's folder. */
  name: string;
  /** The notebook or folder from the server's root, if it stands there. */
  path: string | null;
  /** Joules or grams, by `unit`. */
  limit: number;
  used: number | null;
  unit: 'J' | 'gCO2e';
  /** Of the limit: more than 1 where it is exceeded. */
  fraction: number | null;
  state: 'within' | 'near' | 'spent' | null;
  /** Whether the running cell is interrupted when it is spent. */
  stop: boolean;
  /** Since when work counts: a time, or a span before now; empty: always. */
  since: string;
  runs: number;
  running_runs: number;
  unmeasured_runs: number;
  runs_without_co2e: number;
}

/** Answer of `budgets`. */
export interface IBudgets {
  state: 'ready' | 'reading';
  budgets: IBudget[];
  /** Why some cannot be told, as sentences. */
  problems: string[];
  /** How many there are beyond these. */
  left_out: number;
}

/** One device's part of a record. */
export interface IDeviceRecord {
  id: string;
  kind: string;
  method: Method;
  energy_j: number | null;
  uncertainty_j: number | null;
  index?: number;
  name?: string;
  coverage?: number;
  reason?: string;
  flags?: string[];
}

/** One metered piece of work, as in its MIME bundle (defaults are left out). */
export interface IRecord {
  id: string;
  duration_s: number;
  devices: IDeviceRecord[];
  started_at?: string;
  ended_at?: string;
  status: string;
  final: boolean;
  label?: string;
  purpose?: string | null;
  parent?: string | null;
  session?: string;
  notebook?: string;
  cell_id?: string;
  execution_count?: number | null;
  source_sha256?: string;
  error?: string;
  intensity?: IIntensity | null;
  pue?: { value: number; source: string };
  host?: { id: string; name?: string } | null;
  flags?: string[];
}

/** Answer of `records`. */
export interface IRecords {
  records: IRecord[];
  more: boolean;
  /** Absent or `ready`: all is known; else ask again. */
  state?: 'ready' | 'reading';
}

/** A cell that runs now, with its cost so far. */
export interface IRunning {
  id: string;
  label?: string;
  notebook?: string;
  path?: string | null;
  cell_id?: string;
  execution_count?: number | null;
  started_at?: string | null;
  duration_s: number | null;
  energy_j: number | null;
  co2e_g: number | null;
  host_id?: string | null;
  session?: string;
}

/** A kernel that holds GPU memory and runs nothing. */
export interface IIdleKernel {
  kernel_id: string;
  name: string;
  path: string | null;
  idle_s: number;
  energy_j: number | null;
  /** Why the energy is not known, or of a part of the time only. */
  reason?: string | null;
  devices: {
    id: string;
    memory_bytes: number | null;
    energy_j: number | null;
    power_w: number | null;
  }[];
}

/** Answer of `idle`; `reason` says why nothing can be known. */
export interface IIdle {
  kernels: IIdleKernel[];
  reason: string | null;
}

/** What the doctor says. */
export interface IDoctor {
  text: string;
  findings: IFinding[];
}

/** What to export. */
export interface IReportRequest {
  path: string;
  scope: 'notebook' | 'project' | 'all';
  formats: string[];
  anonymous: boolean;
}

/** How far an export is. */
export interface IReportJob {
  state: string;
  fraction?: number | null;
  files?: string[] | null;
  /** What to know of the files, as sentences. */
  warnings?: string[];
  problem?: IProblem | string | null;
}

/** What the server says on the stream. */
export type StreamMessage =
  | { type: 'hello'; interval_s: number; host_id?: string; boot_id?: string }
  | ({ type: 'power' } & IPowerSample)
  | { type: 'running'; windows: IRunning[] }
  | { type: 'record'; record: IRecord; path?: string | null }
  | { type: 'totals' }
  | ({ type: 'problem' } & IProblem)
  | { type: 'progress'; job: string; fraction: number | null; text: string }
  | {
      type: 'report';
      job: string;
      files: string[] | null;
      problem: IProblem | string | null;
    };

/** How the page gets its data: `missing` means no server extension. */
export type Connection =
  'connecting' | 'live' | 'polling' | 'offline' | 'missing' | 'forbidden';

/** What the notebook's kernel is, for an honest empty state. */
export type KernelState = 'none' | 'starting' | 'foreign' | 'ready' | 'dead';

/** Whether the kernel meters: `unknown` until a sign of it has been seen. */
export type Metering = 'unknown' | 'loaded' | 'every-cell';

/** What a cell of the open notebook is called. */
export interface ICellName {
  position: number;
  firstLine: string;
}

/** Outcome of code that was run for the panel. */
export interface IOutcome {
  status: 'ok' | 'error' | 'abort';
  name?: string;
  message?: string;
}

/** The active notebook as the model sees it: no widgets, no DOM. */
export interface INotebook extends IDisposable {
  /** Path from the server's root, without a drive. */
  readonly path: string;
  readonly kernelState: KernelState;
  /** The kernel's language as it names it, or an empty string. */
  readonly language: string;
  metering: Metering;
  /** Cells by id. */
  readonly cells: ReadonlyMap<string, ICellName>;
  /** Emitted when any of the above has changed. */
  readonly changed: ISignal<INotebook, void>;
  /** Scroll to a cell and make it active. */
  reveal(cellId: string): void;
  /** Run code in the kernel without a trace in the notebook. */
  execute(code: string): Promise<IOutcome>;
}

/** What the server can be asked. */
export interface IGreenApi {
  host(path: string): Promise<IHost>;
  power(since: number): Promise<IPower>;
  totals(scope: Scope, path: string): Promise<ITotals>;
  budgets(path: string): Promise<IBudgets>;
  records(path: string, limit: number, before?: string): Promise<IRecords>;
  tag(
    record: string,
    change: { purpose?: string; label?: string }
  ): Promise<IRecord>;
  setLocation(path: string, change: ILocationChange): Promise<ILocation>;
  locations(): Promise<ILocations>;
  report(request: IReportRequest): Promise<string>;
  reportJob(job: string): Promise<IReportJob>;
  idle(minutes: number): Promise<IIdle>;
  /** What can be measured; *anew*: look for devices again. */
  doctor(anew?: boolean): Promise<IDoctor>;
}

/** The stream of the server's messages, one for the page. */
export interface IGreenStream extends IDisposable {
  readonly connection: Connection;
  readonly connectionChanged: ISignal<IGreenStream, Connection>;
  readonly message: ISignal<IGreenStream, StreamMessage>;
  /** Open the stream; *watched*: somebody sees watts, so the server may sample. */
  start(watched: boolean): void;
  stop(): void;
}

/** Settings of the panel, as in schema/plugin.json. */
export interface IGreenSettings {
  chartMinutes: number;
  showBadges: boolean;
  showStatusBar: boolean;
  equivalent: 'none' | 'car';
  idleMinutes: number;
}

/** The settings without a settings registry: those of the schema. */
export const DEFAULT_SETTINGS: IGreenSettings = {
  chartMinutes: 5,
  showBadges: true,
  showStatusBar: true,
  equivalent: 'none',
  idleMinutes: 15
};

/** One state for all views of the page. */
export interface IGreenModel extends IDisposable {
  /** Anything but power has changed. */
  readonly stateChanged: ISignal<IGreenModel, void>;
  /** A new power sample, or a running cell's new figures. */
  readonly powerChanged: ISignal<IGreenModel, void>;
  readonly connection: Connection;
  readonly host: IHost | null;
  readonly problem: IProblem | null;
  readonly samples: readonly IPowerSample[];
  readonly running: readonly IRunning[];
  readonly totals: ReadonlyMap<Scope, ITotals>;
  /** The budgets that bear on the notebook; null: not known yet. */
  readonly budgets: IBudgets | null;
  /** A budget was brought near its limit, or over, by work outside of the notebook. */
  readonly budgetReached: ISignal<IGreenModel, IBudget>;
  readonly records: readonly IRecord[];
  readonly moreRecords: boolean;
  readonly idle: IIdle | null;
  readonly notebook: INotebook | null;
  readonly settings: IGreenSettings;
  /** Records of the session, newest last: what the chart draws as bands. */
  readonly finished: readonly IRecord[];
  /** Say that a view shows data, until the answer is disposed. */
  watch(): IDisposable;
  setNotebook(notebook: INotebook | null): void;
  setSettings(settings: IGreenSettings): void;
  setPageVisible(visible: boolean): void;
  refresh(): Promise<void>;
  loadMore(): Promise<void>;
  tag(record: string, purpose: string): Promise<void>;
  setLocation(change: ILocationChange): Promise<void>;
  /** Write a report; settles when the server has the files. */
  report(
    request: IReportRequest,
    onProgress: (fraction: number | null, text: string) => void
  ): Promise<IReportJob>;
}

/** Gives other extensions the model. */
export const IGreenModel = new Token<IGreenModel>(
  'jupyter-green:IGreenModel',
  'Live power, records and totals of the energy panel.'
);
