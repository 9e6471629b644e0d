/**
 * A small line below each metered cell's input: energy, time, grams of its newest run.
 *
 * Plain DOM with text nodes: labels and names are untrusted.  Imports record and format.
 */
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { formatDuration } from './format';
import { groupRecords } from './groups';
import { co2eText, deviceText, energyText, methodsOf } from './record';
import type { IGreenModel, IRecord } from './tokens';
import { methodWord } from './words';

const CLASS = 'jp-GreenBadge';

/** Keeps the badges of one notebook panel until disposed. */
export class CellBadges implements IDisposable {
  constructor(options: CellBadges.IOptions) {
    this._panel = options.panel;
    this._path = options.path;
    this._model = options.model;
    this._trans = options.trans;
    this._openPanel = options.openPanel;
    this._model.stateChanged.connect(this._update, this);
    this._panel.disposed.connect(this.dispose, this);
    this._update();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.disconnectReceiver(this);
      this._clear();
    }
  }

  private _update(): void {
    const { notebook, settings, records } = this._model;
    // Records are known of the active notebook; the others keep what they have.
    if (!settings.showBadges) {
      this._clear();
    } else if (notebook && notebook.path === this._path()) {
      const groups = groupRecords(records, notebook.cells);
      const newest = new Map(groups.map(g => [g.cellId, g.latest]));
      for (const cell of this._panel.content.widgets) {
        this._set(cell, newest.get(cell.model.id));
      }
    }
  }

  private _set(cell: Cell, record: IRecord | undefined): void {
    const text = record ? this._text(record) : '';
    if (this._shown.get(cell) === text) {
      return;
    }
    this._shown.set(cell, text);
    // Cells far from view have no DOM yet.
    void cell.ready.then(() => {
      if (!cell.isDisposed && this._shown.get(cell) === text) {
        this._draw(cell, record, text);
      }
    });
  }

  private _draw(cell: Cell, record: IRecord | undefined, text: string): void {
    const known = cell.node.querySelector<HTMLElement>(`.${CLASS}`);
    if (!record || this._isDisposed) {
      known?.remove();
      return;
    }
    const badge = known ?? this._create(cell);
    badge.textContent = text;
    badge.title = record.devices.map(deviceText).join('\n');
    badge.setAttribute('aria-label', this._trans.__('Cost: %1', text));
  }

  private _create(cell: Cell): HTMLElement {
    const badge = document.createElement('button');
    badge.type = 'button';
    badge.className = CLASS;
    badge.addEventListener('click', this._openPanel);
    cell.node.querySelector('.jp-Cell-inputWrapper')?.after(badge);
    return badge;
  }

  private _text(record: IRecord): string {
    const grams = co2eText(record);
    const simulated = methodsOf(record).includes('simulated');
    return [
      energyText(record),
      formatDuration(record.duration_s),
      grams && this._trans.__('%1 CO₂e', grams),
      simulated && methodWord('simulated', this._trans)
    ]
      .filter(Boolean)
      .join(' · ');
  }

  private _clear(): void {
    this._shown = new WeakMap();
    this._panel.node
      .querySelectorAll(`.${CLASS}`)
      .forEach(badge => badge.remove());
  }

  private readonly _panel: NotebookPanel;
  private readonly _path: () => string;
  private readonly _model: IGreenModel;
  private readonly _trans: TranslationBundle;
  private readonly _openPanel: () => void;
  private _shown = new WeakMap<Cell, string>();
  private _isDisposed = false;
}

/** Namespace of `CellBadges`. */
export namespace CellBadges {
  /** Which notebook, and where its records are. */
  export interface IOptions {
    panel: NotebookPanel;
    /** The notebook's path from the server's root, as the model has it. */
    path: () => string;
    model: IGreenModel;
    trans: TranslationBundle;
    openPanel: () => void;
  }
}
