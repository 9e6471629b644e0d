/**
 * One state for all views of the page; no DOM, no widgets, no clock of its own.
 *
 * While anything shows data and the page is visible, it follows the server's stream and
 * asks again for what the stream says has changed.  Otherwise it is silent.  Imports
 * tokens, history, groups and request's errors.
 */
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { Crossings } from './budgets';
import { upsert } from './groups';
import { PowerHistory } from './history';
import { GreenError, RequestError } from './request';
import { connectionOf } from './stream';
import {
  DEFAULT_SETTINGS,
  SCOPES,
  type Connection,
  type IBudget,
  type IBudgets,
  type IGreenApi,
  type IGreenModel,
  type IGreenSettings,
  type IGreenStream,
  type IHost,
  type IIdle,
  type ILocationChange,
  type INotebook,
  type IPowerSample,
  type IProblem,
  type IRecord,
  type IRecords,
  type IReportJob,
  type IReportRequest,
  type IRunning,
  type ITotals,
  type Scope,
  type StreamMessage
} from './tokens';

/** Records that are asked for at a time. */
export const PAGE = 100;
/** Finished records kept for the bands of the chart. */
const FINISHED = 200;
/** Several changes in so short a time lead to one question. */
const TOTALS_DELAY_MS = 150;
const IDLE_MS = 60_000;
/** A ledger that is still being read is asked again so soon. */
const READING_MS = 500;
const JOB_POLL_MS = 500;
/** A settings file beside the notebook cannot be used, for example. */
const BAD_REQUEST = 400;
/** A server that was away is asked again so soon, while somebody looks. */
const RETRY_MS = 10_000;

/** The model behind the panel, the status bar and the badges. */
export class GreenModel implements IGreenModel {
  constructor(options: GreenModel.IOptions) {
    this._api = options.api;
    this._stream = options.stream;
    this._stream.message.connect(this._onMessage, this);
    this._stream.connectionChanged.connect(this._onConnection, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get powerChanged(): ISignal<this, void> {
    return this._powerChanged;
  }

  get connection(): Connection {
    return this._refused ?? this._stream.connection;
  }

  get host(): IHost | null {
    return this._host;
  }

  get problem(): IProblem | null {
    const [failed] = this._failed.values();
    return this._problem ?? failed ?? this._told;
  }

  get samples(): readonly IPowerSample[] {
    return this._history.samples;
  }

  get running(): readonly IRunning[] {
    return this._running;
  }

  get totals(): ReadonlyMap<Scope, ITotals> {
    return this._totals;
  }

  get budgets(): IBudgets | null {
    return this._budgets;
  }

  get budgetReached(): ISignal<this, IBudget> {
    return this._budgetReached;
  }

  get records(): readonly IRecord[] {
    return this._records;
  }

  get moreRecords(): boolean {
    return this._more;
  }

  get finished(): readonly IRecord[] {
    return this._finished;
  }

  get idle(): IIdle | null {
    return this._idle;
  }

  get notebook(): INotebook | null {
    return this._notebook;
  }

  get settings(): IGreenSettings {
    return this._settings;
  }

  watch(): IDisposable {
    this._watchers += 1;
    this._follow();
    return new DisposableDelegate(() => {
      this._watchers -= 1;
      this._follow();
    });
  }

  setPageVisible(visible: boolean): void {
    this._pageVisible = visible;
    this._follow();
  }

  setSettings(settings: IGreenSettings): void {
    const askIdle = settings.idleMinutes !== this._settings.idleMinutes;
    this._settings = settings;
    this._stateChanged.emit();
    this._follow();
    if (askIdle && this._following) {
      void this._loadIdle();
    }
  }

  setNotebook(notebook: INotebook | null): void {
    if (notebook === this._notebook) {
      return;
    }
    this._notebook?.changed.disconnect(this._onNotebook, this);
    this._notebook = notebook;
    notebook?.changed.connect(this._onNotebook, this);
    this._forgetNotebook();
  }

  async refresh(): Promise<void> {
    this._refused = null;
    if (await this._loadHost()) {
      await Promise.all([
        this._loadPower(),
        this._loadRecords(),
        this._loadTotals(),
        this._loadIdle()
      ]);
    }
    this._follow();
  }

  async loadMore(): Promise<void> {
    const oldest = this._records[this._records.length - 1]?.started_at;
    const path = this._path;
    const answer = await this._ask(
      'records',
      this._api.records(path, PAGE, oldest)
    );
    if (answer && path === this._path) {
      const known = new Set(this._records.map(record => record.id));
      const older = answer.records.filter(record => !known.has(record.id));
      this._records = [...this._records, ...older];
      this._more = answer.more;
      this._stateChanged.emit();
    }
  }

  async tag(record: string, purpose: string): Promise<void> {
    const changed = await this._api.tag(record, { purpose });
    // The user may have gone to another notebook meanwhile.
    this._records = this._records.map(known =>
      known.id === changed.id ? changed : known
    );
    this._stateChanged.emit();
  }

  async setLocation(change: ILocationChange): Promise<void> {
    const location = await this._api.setLocation(this._path, change);
    if (this._host) {
      this._host = { ...this._host, location };
    }
    this._stateChanged.emit();
    await this._loadTotals();
  }

  async report(
    request: IReportRequest,
    onProgress: (fraction: number | null, text: string) => void
  ): Promise<IReportJob> {
    const job = await this._api.report(request);
    const follow = (_: unknown, message: StreamMessage) => {
      if (message.type === 'progress' && message.job === job) {
        onProgress(message.fraction, message.text);
      }
    };
    this._stream.message.connect(follow);
    try {
      // Asked for rather than waited for: the stream may break while it runs.
      for (;;) {
        const state = await this._api.reportJob(job);
        if (state.problem) {
          throw new GreenError(asProblem(state.problem));
        }
        if (state.state === 'done') {
          return state;
        }
        await new Promise(resolve => setTimeout(resolve, JOB_POLL_MS));
      }
    } finally {
      this._stream.message.disconnect(follow);
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._totalsTimer);
    clearTimeout(this._readingTimer);
    clearTimeout(this._retryTimer);
    clearInterval(this._idleTimer);
    this._notebook?.changed.disconnect(this._onNotebook, this);
    this._stream.dispose();
    Signal.clearData(this);
  }

  private get _path(): string {
    return this._notebook?.path ?? '';
  }

  private get _following(): boolean {
    return this._pageVisible && !this._refused && this._host !== null;
  }

  /** Open or close the stream, as somebody looks or not. */
  private _follow(): void {
    if (this._isDisposed) {
      return;
    }
    const wanted = this._watchers > 0 || this._settings.showBadges;
    clearTimeout(this._retryTimer);
    if (wanted && this._pageVisible && !this._host && !this._refused) {
      this._begin();
      return;
    }
    clearInterval(this._idleTimer);
    if (!wanted || !this._following) {
      this._stream.stop();
      this._crossings.forget();
      if (wanted && this._pageVisible && this._refused === 'offline') {
        // Nobody else says when it is back: no stream is open.
        this._retrySoon();
      }
      return;
    }
    if (this._problem) {
      // Nor when a settings file has been mended.
      this._retrySoon();
    }
    this._stream.start(this._watchers > 0);
    if (this._watchers > 0) {
      this._idleTimer = setInterval(() => void this._loadIdle(), IDLE_MS);
      if (this._stale) {
        this._stale = false;
        void this._loadPower();
        this._totalsSoon();
      }
    } else {
      this._stale = true;
      this._crossings.forget();
    }
  }

  private _retrySoon(): void {
    this._retryTimer = setTimeout(() => void this.refresh(), RETRY_MS);
  }

  private _begin(): void {
    if (!this._beginning) {
      this._beginning = true;
      void this.refresh().finally(() => {
        this._beginning = false;
      });
    }
  }

  private _onConnection(_: IGreenStream, connection: Connection): void {
    if (connection !== 'live' && connection !== 'connecting') {
      // Who would say that it has ended?
      this._running = [];
    }
    if (connection === 'live' && this._wasLive) {
      // Something may have been missed meanwhile.
      this._crossings.forget();
      void this._loadHost().then(() => this._loadPower());
      void this._loadRecords();
      this._totalsSoon();
    }
    this._wasLive ||= connection === 'live';
    this._stateChanged.emit();
  }

  private _onMessage(_: IGreenStream, message: StreamMessage): void {
    switch (message.type) {
      case 'power':
        this._history.add([message]);
        this._powerChanged.emit();
        break;
      case 'running':
        this._setRunning(message.windows);
        break;
      case 'record':
        this._addRecord(message.record, message.path);
        break;
      case 'totals':
        this._totalsSoon();
        if (this.connection === 'polling') {
          void this._loadRecords();
        }
        break;
      case 'problem':
        this._told = message;
        this._stateChanged.emit();
        break;
      default:
        // `hello` opens; a report's messages go to whoever asked for it.
        break;
    }
  }

  private _setRunning(windows: IRunning[]): void {
    const ids = (list: readonly IRunning[]) => list.map(w => w.id).join();
    const changed = ids(windows) !== ids(this._running);
    this._running = windows;
    if (this._isBusy) {
      this._hasRun = true;
      this._seen();
    }
    this._powerChanged.emit();
    if (changed) {
      this._stateChanged.emit();
    }
  }

  private _addRecord(record: IRecord, path?: string | null): void {
    this._keepFinished([record]);
    this._running = this._running.filter(window => window.id !== record.id);
    if (this._isOurs(path, record.cell_id)) {
      this._records = upsert(this._records, record);
      this._hasRun = true;
      this._seen();
    }
    this._stateChanged.emit();
  }

  /** Keep the newest records for the chart, whichever notebook they are of. */
  private _keepFinished(records: readonly IRecord[]): void {
    const known = new Map(this._finished.map(record => [record.id, record]));
    records.forEach(record => known.set(record.id, record));
    const start = (record: IRecord) => Date.parse(record.started_at ?? '') || 0;
    this._finished = [...known.values()]
      .sort((a, b) => start(b) - start(a))
      .slice(0, FINISHED);
  }

  /** Whether a cell of the notebook in front runs. */
  private get _isBusy(): boolean {
    return this._running.some(w => this._isOurs(w.path, w.cell_id));
  }

  private _isOurs(
    path: string | null | undefined,
    cellId: string | undefined
  ): boolean {
    // A path that the server could not map says nothing; ids of cells are unique.
    return path
      ? path === this._path
      : Boolean(cellId && this._notebook?.cells.has(cellId));
  }

  /** The kernel has metered: so the extension is loaded there. */
  private _seen(): void {
    if (this._notebook?.metering === 'unknown') {
      this._notebook.metering = 'loaded';
    }
  }

  private _onNotebook(notebook: INotebook): void {
    if (notebook.path !== this._loadedPath) {
      this._forgetNotebook();
    } else {
      this._stateChanged.emit();
    }
  }

  private _forgetNotebook(): void {
    this._pages.set(this._loadedPath, {
      records: this._records,
      more: this._more
    });
    this._loadedPath = this._path;
    // What was known of it is shown until the server has answered.
    const page = this._pages.get(this._path);
    this._pages.delete(this._path);
    this._records = page?.records ?? [];
    this._more = page?.more ?? false;
    this._totals.delete('notebook');
    this._totals.delete('project');
    this._budgets = null;
    this._failed.clear();
    this._crossings.forget();
    this._stateChanged.emit();
    if (this._following) {
      void this._loadHost();
      void this._loadRecords();
      this._totalsSoon();
    }
  }

  private async _loadHost(): Promise<boolean> {
    const path = this._path;
    try {
      const host = await this._hostOf(path);
      if (path !== this._path) {
        // The user has gone to another notebook, perhaps of another project.
        return this._loadHost();
      }
      if (this._host && this._host.host.id !== host.host.id) {
        this._history.clear();
      }
      this._host = host;
      this._refused = null;
      if (this._problem) {
        this._follow();
      }
    } catch (error) {
      if (path !== this._path) {
        return this._loadHost();
      }
      this._refused = connectionOf(statusOf(error));
      this._problem = asProblem(error);
      this._stateChanged.emit();
      this._follow();
      return false;
    }
    this._stateChanged.emit();
    return true;
  }

  /** Ask for a notebook's host; where its settings are broken, for the root's. */
  private async _hostOf(path: string): Promise<IHost> {
    try {
      const host = await this._api.host(path);
      this._problem = null;
      this._told = null;
      return host;
    } catch (error) {
      if (!path || statusOf(error) !== BAD_REQUEST) {
        throw error;
      }
      const host = await this._api.host('');
      this._problem = asProblem(error);
      return host;
    }
  }

  private async _loadPower(): Promise<void> {
    const power = await this._ask(
      'power',
      this._api.power(this._history.newest)
    );
    if (power) {
      this._history.add(power.samples);
      this._powerChanged.emit();
    }
  }

  private async _loadRecords(): Promise<void> {
    const path = this._path;
    clearTimeout(this._readingTimer);
    if (!path || this._isDisposed) {
      return;
    }
    const before = new Set(this._records);
    const answer = await this._ask('records', this._api.records(path, PAGE));
    // The user may have gone to another notebook meanwhile.
    if (answer && path === this._path) {
      this._takePage(answer, before);
      if (answer.state === 'reading') {
        // Nobody tells the records of a first reading one by one.
        this._readingTimer = setTimeout(
          () => void this._loadRecords(),
          READING_MS
        );
      }
      this._keepFinished(answer.records);
      this._stateChanged.emit();
    }
  }

  /** Take the newest page; *before* is what was known when it was asked for. */
  private _takePage(page: IRecords, before: ReadonlySet<IRecord>): void {
    const ids = new Set(page.records.map(record => record.id));
    const oldest = page.records[page.records.length - 1]?.started_at ?? '';
    // Older pages that the user has asked for stay below it.
    const older = page.more
      ? this._records.filter(
          record =>
            before.has(record) &&
            !ids.has(record.id) &&
            (record.started_at ?? '') < oldest
        )
      : [];
    // What the stream has said meanwhile is newer than the answer.
    const late = this._records.filter(record => !before.has(record));
    this._more = older.length ? this._more : page.more;
    this._records = [...late]
      .reverse()
      .reduce<IRecord[]>(upsert, [...page.records, ...older]);
  }

  private _totalsSoon(): void {
    if (!this._watchers) {
      this._stale = true;
      return;
    }
    clearTimeout(this._totalsTimer);
    this._totalsTimer = setTimeout(
      () => void this._loadTotals(),
      TOTALS_DELAY_MS
    );
  }

  private async _loadTotals(): Promise<void> {
    const path = this._path;
    const asked = ++this._asked;
    const scopes = SCOPES.filter(scope => path || scope !== 'notebook');
    await Promise.all([
      this._loadBudgets(path, asked),
      ...scopes.map(async scope => {
        const totals = await this._ask(scope, this._api.totals(scope, path));
        if (totals && path === this._path && this._isNewest(scope, asked)) {
          this._totals.set(scope, totals);
        }
      })
    ]);
    this._stateChanged.emit();
  }

  private async _loadBudgets(path: string, asked: number): Promise<void> {
    const answer = await this._ask('budgets', this._api.budgets(path));
    if (!answer || path !== this._path || !this._isNewest('budgets', asked)) {
      return;
    }
    if (answer.state === 'reading' && this._budgets) {
      return; // what is shown is better than a part
    }
    this._budgets = answer;
    if (answer.state === 'reading') {
      return;
    }
    const crossed = this._crossings.take(answer.budgets);
    // Of the notebook's own work the kernel warns below the cell.
    const isOurs = this._hasRun;
    this._hasRun = this._isBusy;
    if (!isOurs) {
      crossed.forEach(budget => this._budgetReached.emit(budget));
    }
  }

  /** Whether no later question about the same has been answered yet. */
  private _isNewest(what: string, asked: number): boolean {
    const isNewest = asked >= (this._answered.get(what) ?? 0);
    if (isNewest) {
      this._answered.set(what, asked);
    }
    return isNewest;
  }

  private async _loadIdle(): Promise<void> {
    const idle = await this._ask(
      'idle',
      this._api.idle(this._settings.idleMinutes)
    );
    if (idle) {
      this._idle = idle;
      this._stateChanged.emit();
    }
  }

  /** Return the answer, or null: what is shown then stays, and the problem is told. */
  private async _ask<T>(what: string, answer: Promise<T>): Promise<T | null> {
    try {
      const given = await answer;
      this._failed.delete(what);
      return given;
    } catch (error) {
      this._failed.set(what, asProblem(error));
      this._stateChanged.emit();
      return null;
    }
  }

  private readonly _api: IGreenApi;
  private readonly _stream: IGreenStream;
  private readonly _history = new PowerHistory();
  private readonly _totals = new Map<Scope, ITotals>();
  private readonly _answered = new Map<string, number>();
  private readonly _crossings = new Crossings();
  private _asked = 0;
  private _budgets: IBudgets | null = null;
  /** Whether the notebook in front has run anything since budgets were asked for. */
  private _hasRun = false;
  private _host: IHost | null = null;
  /** Of the host; of other questions until they are answered; and as the stream says. */
  private _problem: IProblem | null = null;
  private readonly _failed = new Map<string, IProblem>();
  private _told: IProblem | null = null;
  private _refused: Connection | null = null;
  private _running: IRunning[] = [];
  private _records: IRecord[] = [];
  private _finished: IRecord[] = [];
  private _more = false;
  private readonly _pages = new Map<string, IRecords>();
  private _idle: IIdle | null = null;
  private _notebook: INotebook | null = null;
  private _loadedPath = '';
  private _settings = DEFAULT_SETTINGS;
  private _watchers = 0;
  private _pageVisible = true;
  private _stale = false;
  private _beginning = false;
  private _wasLive = false;
  private _isDisposed = false;
  private _retryTimer: ReturnType<typeof setTimeout> | undefined;
  private _readingTimer: ReturnType<typeof setTimeout> | undefined;
  private _totalsTimer: ReturnType<typeof setTimeout> | undefined;
  private _idleTimer: ReturnType<typeof setInterval> | undefined;
  private readonly _budgetReached = new Signal<this, IBudget>(this);
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _powerChanged = new Signal<this, void>(this);
}

function statusOf(error: unknown): number {
  return error instanceof RequestError ? error.status : 0;
}

/** Return an error of any kind as what, why and what to do. */
export function asProblem(error: unknown): IProblem {
  if (typeof error === 'string') {
    return { message: error, reason: '', remedy: '' };
  }
  const { message, reason, remedy } = error as Partial<IProblem>;
  return {
    message: message ?? String(error),
    reason: reason ?? '',
    remedy: remedy ?? ''
  };
}

/** Namespace of `GreenModel`. */
export namespace GreenModel {
  /** Where the data come from. */
  export interface IOptions {
    api: IGreenApi;
    stream: IGreenStream;
  }
}
