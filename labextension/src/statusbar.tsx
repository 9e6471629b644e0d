/**
 * One item for the status bar: watts of the host, grams of the notebook.
 *
 * Imports tokens, format, states and watching.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import * as React from 'react';

import { formatCo2eOf, formatPower } from './format';
import { greenIcon } from './icons';
import { newestSample } from './states';
import type { IGreenModel } from './tokens';
import { WatchingWidget } from './watching';

/** Watts and grams; a click opens the panel. */
export class GreenStatus extends WatchingWidget {
  constructor(
    model: IGreenModel,
    trans: TranslationBundle,
    openPanel: () => void
  ) {
    super();
    this._model = model;
    this._trans = trans;
    this._openPanel = openPanel;
    this.addClass('jp-GreenStatus');
    model.powerChanged.connect(this._onChanged, this);
    model.stateChanged.connect(this._onChanged, this);
  }

  override dispose(): void {
    this._model.powerChanged.disconnect(this._onChanged, this);
    this._model.stateChanged.disconnect(this._onChanged, this);
    super.dispose();
  }

  protected override render(): JSX.Element {
    return (
      <button
        type="button"
        className="jp-GreenStatus-button"
        title={this._tip()}
        onClick={this._openPanel}
      >
        <greenIcon.react tag="span" elementSize="small" />
        <span data-green="status">{this._text()}</span>
      </button>
    );
  }

  protected override watch(): IDisposable {
    return this._model.watch();
  }

  private _text(): string {
    const { totals, notebook } = this._model;
    const watts = newestSample(this._model)?.total_w;
    const sum = totals.get(notebook ? 'notebook' : 'today');
    const isKnown = sum?.co2e_g !== null && sum?.co2e_g !== undefined;
    const grams = isKnown
      ? formatCo2eOf(sum.co2e_g, sum.energy_j, sum.uncertainty_j)
      : '';
    return [
      watts === null || watts === undefined ? '–' : formatPower(watts),
      grams && this._trans.__('%1 CO₂e', grams)
    ]
      .filter(Boolean)
      .join(' · ');
  }

  private _tip(): string {
    return this._model.notebook
      ? this._trans.__(
          'Power of the server’s host now; CO₂e of this notebook so far. Click for the energy panel.'
        )
      : this._trans.__(
          'Power of the server’s host now; CO₂e of today so far. Click for the energy panel.'
        );
  }

  private _onChanged(): void {
    const shown = `${this._text()}\n${this._tip()}`;
    if (this.isVisible && shown !== this._shown) {
      this._shown = shown;
      this.update();
    }
  }

  private readonly _model: IGreenModel;
  private readonly _trans: TranslationBundle;
  private readonly _openPanel: () => void;
  private _shown = '';
}
