/**
 * The bodies of the dialogs: location, export, doctor.
 *
 * Each is a small form that returns a value.  Imports tokens and words.
 */
import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type {
  IFinding,
  ILocation,
  ILocationChange,
  ILocations,
  IReportRequest
} from './tokens';

/** Formats offered where the server does not name its own. */
export const FORMATS = ['markdown', 'latex', 'html', 'json', 'csv'];

type Place = 'country' | 'cloud' | 'figure';

interface IPlaceForm {
  place: Place;
  country: string;
  region: string;
  cloud: string;
  intensity: string;
  source: string;
  pue: string;
  pueSource: string;
}

/** Asks where the machine stands, by country, cloud region or a figure of one's own. */
export class LocationForm
  extends ReactWidget
  implements Dialog.IBodyWidget<ILocationChange>
{
  constructor(
    location: ILocation | null,
    private readonly _places: ILocations,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-GreenForm');
    this._pue = String(location?.pue ?? 1);
    const stated = location?.origin === 'default' ? null : location;
    this._form = {
      place: stated?.cloud ? 'cloud' : 'country',
      country: stated?.country ?? '',
      region: stated?.region ?? '',
      cloud: stated?.cloud ?? '',
      intensity: '',
      source: '',
      pue: this._pue,
      pueSource: ''
    };
  }

  getValue(): ILocationChange {
    const form = this._form;
    // What was only shown is not said anew: that would take its source away.
    const isPueSaid = form.pue && (form.pue !== this._pue || form.pueSource);
    return {
      ...(form.place === 'country' && {
        country: form.country,
        ...(form.region && { region: form.region })
      }),
      ...(form.place === 'cloud' && { cloud: form.cloud }),
      // An empty field is no figure of 0 g.
      ...(form.place === 'figure' &&
        form.intensity && {
          intensity_g_per_kwh: Number(form.intensity),
          ...(form.source && { intensity_source: form.source })
        }),
      ...(isPueSaid && { pue: Number(form.pue) }),
      ...(form.pueSource && { pue_source: form.pueSource })
    };
  }

  protected override render(): JSX.Element {
    const trans = this._trans;
    const form = this._form;
    return (
      <>
        <fieldset>
          <legend>{trans.__('Where the machine stands')}</legend>
          {this._choice('country', trans.__('Country'))}
          {this._choice('cloud', trans.__('Cloud region'))}
          {this._choice('figure', trans.__('My own figure'))}
        </fieldset>
        {form.place === 'country' && this._country()}
        {form.place === 'cloud' && this._cloud()}
        {form.place === 'figure' && (
          <>
            {this._field('intensity', trans.__('g CO₂e per kWh'), 'number')}
            {this._field('source', trans.__('Source of that figure'), 'text')}
          </>
        )}
        {this._field(
          'pue',
          trans.__('PUE (facility over IT energy)'),
          'number'
        )}
        {this._field('pueSource', trans.__('Source of the PUE'), 'text')}
        <p className="jp-GreenText">
          {trans.__(
            'Written to jupyter_green.toml of the project. Records made before keep the intensity they were made with.'
          )}
        </p>
      </>
    );
  }

  private _choice(place: Place, word: string): JSX.Element {
    return (
      <label className="jp-GreenForm-choice">
        <input
          type="radio"
          name="jp-Green-place"
          value={place}
          checked={this._form.place === place}
          onChange={() => this._set({ place })}
        />
        {word}
      </label>
    );
  }

  private _country(): JSX.Element {
    const trans = this._trans;
    const { countries } = this._places;
    const chosen = countries.find(c => c.code === this._form.country);
    return (
      <>
        {this._select(
          'country',
          trans.__('Country'),
          countries.map(c => [c.code, c.name])
        )}
        {chosen &&
          chosen.regions.length > 0 &&
          this._select(
            'region',
            trans.__('Region (if the grid differs)'),
            chosen.regions.map(name => [name, name])
          )}
      </>
    );
  }

  private _cloud(): JSX.Element {
    return this._select(
      'cloud',
      this._trans.__('Cloud region'),
      this._places.clouds.map(c => [
        `${c.provider}:${c.region}`,
        `${c.provider} ${c.region}${c.name ? ` (${c.name})` : ''}`
      ])
    );
  }

  private _select(
    name: 'country' | 'region' | 'cloud',
    word: string,
    options: [string, string][]
  ): JSX.Element {
    return (
      <label>
        {word}
        <select
          name={name}
          className="jp-mod-styled"
          value={this._form[name]}
          onChange={event => {
            const region = name === 'country' ? { region: '' } : {};
            this._set({ [name]: event.target.value, ...region });
          }}
        >
          <option value="">–</option>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
    );
  }

  private _field(
    name: 'intensity' | 'source' | 'pue' | 'pueSource',
    word: string,
    type: 'text' | 'number'
  ): JSX.Element {
    return (
      <label>
        {word}
        <input
          name={name}
          type={type}
          min={name === 'pue' ? 1 : 0}
          step="any"
          className="jp-mod-styled"
          value={this._form[name]}
          onChange={event => this._set({ [name]: event.target.value })}
        />
      </label>
    );
  }

  private _set(change: Partial<IPlaceForm>): void {
    this._form = { ...this._form, ...change };
    this.update();
  }

  private readonly _pue: string;
  private _form: IPlaceForm;
}

/** What the export dialog returns: all but the notebook's path. */
export type ExportChoice = Omit<IReportRequest, 'path'>;

/** Asks for scope, formats and anonymity of the appendix. */
export class ExportForm
  extends ReactWidget
  implements Dialog.IBodyWidget<ExportChoice>
{
  constructor(
    private readonly _formats: readonly string[],
    private readonly _hasNotebook: boolean,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-GreenForm');
    this._choice = {
      scope: _hasNotebook ? 'notebook' : 'project',
      formats: ['markdown'].filter(name => _formats.includes(name)),
      // As `jupyter green report` has it: names are added on purpose.
      anonymous: true
    };
  }

  getValue(): ExportChoice {
    return this._choice;
  }

  protected override render(): JSX.Element {
    const trans = this._trans;
    return (
      <>
        <fieldset>
          <legend>{trans.__('What it covers')}</legend>
          {this._hasNotebook &&
            this._scope('notebook', trans.__('This notebook'))}
          {this._scope('project', trans.__('The project'))}
          {this._scope('all', trans.__('Everything in the ledger'))}
        </fieldset>
        <fieldset>
          <legend>{trans.__('Formats')}</legend>
          {this._formats.map(name => (
            <label key={name} className="jp-GreenForm-choice">
              <input
                type="checkbox"
                name={name}
                checked={this._choice.formats.includes(name)}
                onChange={event => this._toggle(name, event.target.checked)}
              />
              {formatWord(name, trans)}
            </label>
          ))}
        </fieldset>
        <label className="jp-GreenForm-choice">
          <input
            type="checkbox"
            name="anonymous"
            checked={this._choice.anonymous}
            onChange={event => this._set({ anonymous: event.target.checked })}
          />
          {trans.__('Anonymous, for double-blind review')}
        </label>
        <p className="jp-GreenText">
          {trans.__('The files are written beside the notebook and opened.')}
        </p>
      </>
    );
  }

  private _scope(scope: ExportChoice['scope'], word: string): JSX.Element {
    return (
      <label className="jp-GreenForm-choice">
        <input
          type="radio"
          name="jp-Green-scope"
          value={scope}
          checked={this._choice.scope === scope}
          onChange={() => this._set({ scope })}
        />
        {word}
      </label>
    );
  }

  private _toggle(name: string, on: boolean): void {
    const others = this._choice.formats.filter(other => other !== name);
    this._set({ formats: on ? [...others, name] : others });
  }

  private _set(change: Partial<ExportChoice>): void {
    this._choice = { ...this._choice, ...change };
    this.update();
  }

  private _choice: ExportChoice;
}

/** Shows what can be measured here, what cannot, and the remedy. */
export class DoctorBody extends ReactWidget {
  constructor(
    private readonly _findings: readonly IFinding[],
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-GreenDoctor');
  }

  protected override render(): JSX.Element {
    const trans = this._trans;
    const words: { [severity: string]: string } = {
      ok: trans.__('good'),
      warning: trans.__('could be better'),
      missing: trans.__('missing')
    };
    return (
      <ul className="jp-GreenFindings">
        {this._findings.map((finding, i) => (
          <li key={i} className={`jp-mod-${finding.severity}`}>
            <div className="jp-GreenFindings-title">
              <span className="jp-GreenPill">
                {words[finding.severity] ?? finding.severity}
              </span>{' '}
              {finding.title}
            </div>
            {finding.reason && <div>{finding.reason}</div>}
            {finding.remedy && (
              <div className="jp-GreenFindings-remedy">{finding.remedy}</div>
            )}
          </li>
        ))}
      </ul>
    );
  }
}

function formatWord(name: string, trans: TranslationBundle): string {
  const words: { [name: string]: string } = {
    markdown: trans.__('Markdown, to read and to put on a Git host'),
    latex: trans.__('LaTeX, to \\input into a paper'),
    html: trans.__('HTML, one file'),
    json: trans.__('JSON, for programs'),
    csv: trans.__('CSV, for spreadsheets'),
    'model-card': trans.__('Model card, for a model’s repository'),
    boamps: trans.__('BoAmps, a JSON form for energy reports'),
    answers: trans.__('Answers to checklists and regulators')
  };
  return words[name] ?? name;
}
