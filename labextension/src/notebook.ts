/**
 * The active notebook as the model sees it: its path, kernel and cells.
 *
 * Imports tokens; the only module beside badge that reads a notebook's widgets.
 */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import {
  NotebookActions,
  type Notebook,
  type NotebookPanel
} from '@jupyterlab/notebook';
import type { Contents, KernelMessage } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';

import { meteringAfter } from './metering';
import type {
  ICellName,
  INotebook,
  IOutcome,
  KernelState,
  Metering
} from './tokens';

const LONGEST_LINE = 80;
/** What JupyterLab says of a kernel that is not there yet. */
const STARTING: readonly string[] = [
  'connecting',
  'initializing',
  'starting',
  'restarting',
  'autorestarting'
];
/** Lines that say how to run a cell and not what it does. */
const MAGIC = /^\s*(%%|$)/;

/** Follows one notebook panel until disposed. */
export class OpenNotebook implements INotebook {
  constructor(panel: NotebookPanel, contents: Contents.IManager) {
    this._panel = panel;
    this._contents = contents;
    panel.context.pathChanged.connect(this._onChanged, this);
    panel.sessionContext.statusChanged.connect(this._onStatus, this);
    panel.sessionContext.kernelChanged.connect(this._onKernel, this);
    panel.model?.cells.changed.connect(this._onCells, this);
    NotebookActions.executed.connect(this._onExecuted, this);
    void this._askLanguage();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get path(): string {
    return this._contents.localPath(this._panel.context.path);
  }

  get kernelState(): KernelState {
    const context = this._panel.sessionContext;
    const kernel = context.session?.kernel;
    if (!kernel) {
      return STARTING.includes(context.kernelDisplayStatus)
        ? 'starting'
        : 'none';
    }
    if (kernel.status === 'dead') {
      return 'dead';
    }
    return this.language && this.language !== 'python' ? 'foreign' : 'ready';
  }

  get language(): string {
    return this._name;
  }

  get metering(): Metering {
    return this._metering;
  }

  set metering(metering: Metering) {
    if (metering !== this._metering) {
      this._metering = metering;
      this._changed.emit();
    }
  }

  get cells(): ReadonlyMap<string, ICellName> {
    this._cells ??= this._readCells();
    return this._cells;
  }

  reveal(cellId: string): void {
    const notebook = this._panel.content;
    const at = notebook.widgets.findIndex(cell => cell.model.id === cellId);
    if (at >= 0) {
      notebook.deselectAll();
      notebook.activeCellIndex = at;
      void notebook.scrollToItem(at, 'auto').catch(() => undefined);
      notebook.activate();
    }
  }

  async execute(code: string): Promise<IOutcome> {
    const kernel = this._panel.sessionContext.session?.kernel;
    if (!kernel) {
      return { status: 'abort' };
    }
    // Silent: no In[n] is used up and no event of the notebook's cells fires.
    const future = kernel.requestExecute({
      code,
      silent: true,
      store_history: false,
      allow_stdin: false,
      stop_on_error: false
    });
    const reply = await future.done;
    return outcomeOf(reply.content);
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.disconnectReceiver(this);
      Signal.clearData(this);
    }
  }

  private _onChanged(): void {
    this._changed.emit();
  }

  private _onCells(): void {
    this._cells = null;
    this._changed.emit();
  }

  private _onStatus(_: ISessionContext, status: string): void {
    // A restarted kernel has loaded nothing.
    if (status === 'restarting' || status === 'autorestarting') {
      this._metering = 'unknown';
    }
    if (['restarting', 'autorestarting', 'dead', 'starting'].includes(status)) {
      this._changed.emit();
    }
  }

  private _onKernel(): void {
    this._metering = 'unknown';
    void this._askLanguage();
    this._changed.emit();
  }

  private async _askLanguage(): Promise<void> {
    const context = this._panel.sessionContext;
    this._name = '';
    try {
      await context.ready;
      const kernel = context.session?.kernel;
      const info = await kernel?.info;
      // Another kernel may have taken its place, and is asked itself.
      if (!this._isDisposed && kernel === context.session?.kernel) {
        this._name = info?.language_info.name ?? '';
        this._changed.emit();
      }
    } catch (error) {
      console.warn('jupyter-green: the kernel does not say what it is', error);
    }
  }

  private _onExecuted(
    _: unknown,
    args: { notebook: Notebook; cell: Cell; success: boolean }
  ): void {
    if (args.notebook !== this._panel.content) {
      return;
    }
    // The cell's first line may have changed since it was read.
    this._cells = null;
    const source = args.cell.model.sharedModel.getSource();
    if (args.success) {
      this._metering = meteringAfter(source, this._metering);
    }
    this._changed.emit();
  }

  private _readCells(): Map<string, ICellName> {
    const names = new Map<string, ICellName>();
    let position = 0;
    for (const cell of this._panel.model?.cells ?? []) {
      const lines = cell.sharedModel.getSource().split('\n');
      const line = lines.find(text => !MAGIC.test(text)) ?? '';
      names.set(cell.id, { position, firstLine: shortened(line.trim()) });
      position += 1;
    }
    return names;
  }

  private readonly _panel: NotebookPanel;
  private readonly _contents: Contents.IManager;
  private readonly _changed = new Signal<this, void>(this);
  private _name = '';
  private _metering: Metering = 'unknown';
  private _cells: Map<string, ICellName> | null = null;
  private _isDisposed = false;
}

function outcomeOf(
  content: KernelMessage.IExecuteReplyMsg['content']
): IOutcome {
  return content.status === 'error'
    ? { status: 'error', name: content.ename, message: content.evalue }
    : { status: content.status === 'ok' ? 'ok' : 'abort' };
}

function shortened(line: string): string {
  return line.length > LONGEST_LINE
    ? `${line.slice(0, LONGEST_LINE - 1)}…`
    : line;
}
