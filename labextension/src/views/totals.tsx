/** What the work has cost so far, and what the grams were computed with. */
import * as React from 'react';

import {
  formatCo2eOf,
  formatDistance,
  formatEnergy,
  formatPercent,
  formatPlain
} from '../format';
import { CommandIDs } from '../ids';
import { methodShares } from '../record';
import { SCOPES, type ILocation, type ITotals, type Scope } from '../tokens';
import { methodWord, scopeWord } from '../words';
import { useSignal, useView } from './context';
import { Figure } from './figure';
import { Section } from './section';

// US EPA, "Tailpipe Greenhouse Gas Emissions From a Typical Passenger Vehicle"
// (EPA-420-F-23-014, June 2023): 400 g of CO2 per mile; a mile is 1609.344 m.
const CAR_G_PER_M = 400 / 1609.344;

/** The section on sums. */
export function Totals(): JSX.Element {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const known = SCOPES.filter(scope => model.totals.has(scope));
  return (
    <Section name="totals" title={trans.__('So far')}>
      <table className="jp-GreenTotals" hidden={!known.length}>
        <thead>
          <tr>
            <td />
            <th scope="col">{trans.__('CO₂e')}</th>
            <th scope="col">{trans.__('Energy')}</th>
          </tr>
        </thead>
        <tbody>
          {known.map(scope => (
            <Row key={scope} scope={scope} totals={model.totals.get(scope)!} />
          ))}
        </tbody>
      </table>
      {known.length > 0 && <Remarks totals={model.totals.get('all')} />}
      {model.settings.equivalent === 'car' && (
        <Equivalent totals={model.totals.get('all')} />
      )}
      {model.host && <Place location={model.host.location ?? null} />}
    </Section>
  );
}

function Row(props: { scope: Scope; totals: ITotals }): JSX.Element {
  const { trans } = useView();
  const { scope, totals } = props;
  const energy = formatEnergy(totals.energy_j, totals.uncertainty_j);
  return (
    <tr data-green-scope={scope} title={rowTip(totals, energy, trans)}>
      <th scope="row">{scopeWord(scope, trans)}</th>
      <td data-green="co2e">{isOpen(totals) ? '–' : grams(totals)}</td>
      <td data-green="energy">
        {isOpen(totals) ? '–' : <Figure text={energy} />}
      </td>
    </tr>
  );
}

/** Whether there is nothing yet to have a figure: no run, or one that still runs. */
function isOpen(totals: ITotals): boolean {
  return totals.energy_j === null && totals.runs === (totals.running_runs ?? 0);
}

function grams(totals: ITotals): string {
  return formatCo2eOf(totals.co2e_g, totals.energy_j, totals.uncertainty_j);
}

function rowTip(
  totals: ITotals,
  energy: string,
  trans: ReturnType<typeof useView>['trans']
): string {
  const failed = totals.failed_runs
    ? trans._n('%1 failed', '%1 failed', totals.failed_runs)
    : '';
  const runs = trans._n('%1 run', '%1 runs', totals.runs);
  return [totals.energy_j === null ? '' : energy, runs, failed]
    .filter(Boolean)
    .join(', ');
}

/** How the sum came about, and what is missing from it. */
function Remarks({ totals }: { totals: ITotals | undefined }): JSX.Element {
  const { trans } = useView();
  if (totals?.state === 'reading') {
    return <p className="jp-GreenText">{trans.__('Reading the ledger…')}</p>;
  }
  if (!totals || !totals.runs) {
    return (
      <p className="jp-GreenText">{trans.__('No record in the ledger yet.')}</p>
    );
  }
  const parts = methodShares(totals).map(
    ([method, share]) => `${formatPercent(share)} ${methodWord(method, trans)}`
  );
  if (totals.failed_runs) {
    parts.push(
      trans._n(
        '%1 failed run counted',
        '%1 failed runs counted',
        totals.failed_runs
      )
    );
  }
  const unmeasured = totals.unmeasured_runs - (totals.running_runs ?? 0);
  if (unmeasured > 0) {
    parts.push(
      trans._n('%1 run not measured', '%1 runs not measured', unmeasured)
    );
  }
  if (totals.runs_without_co2e) {
    parts.push(
      trans._n(
        '%1 run without CO₂e',
        '%1 runs without CO₂e',
        totals.runs_without_co2e
      )
    );
  }
  return (
    <p className="jp-GreenText" data-green="remarks">
      {parts.join(' · ')}
    </p>
  );
}

function Equivalent({
  totals
}: {
  totals: ITotals | undefined;
}): JSX.Element | null {
  const { trans } = useView();
  if (!totals?.co2e_g) {
    return null;
  }
  const source = trans.__(
    '400 g of CO₂ per mile: US EPA, Tailpipe Greenhouse Gas Emissions From a Typical Passenger Vehicle, EPA-420-F-23-014 (2023)'
  );
  return (
    <p className="jp-GreenText" data-green="equivalent" title={source}>
      {trans.__(
        'Everything: as much as %1 in an average US car (EPA, 2023)',
        formatDistance(totals.co2e_g / CAR_G_PER_M)
      )}
    </p>
  );
}

/** The intensity and PUE in force, and the way to change them. */
function Place({ location }: { location: ILocation | null }): JSX.Element {
  const { trans, run } = useView();
  const intensity = location?.intensity;
  const assumed = intensity?.assumed ?? false;
  const year = intensity?.year ? ` ${intensity.year}` : '';
  return (
    <div className="jp-GreenPlace" data-green="location">
      <span title={intensity?.source}>
        {intensity
          ? trans.__(
              '%1 g CO₂e/kWh, %2',
              formatPlain(intensity.g_per_kwh),
              `${intensity.zone}${year}`
            )
          : trans.__('No carbon intensity is known')}
        {' · '}
        <span title={location?.pue_source ?? undefined}>
          {trans.__('PUE %1', formatPlain(location?.pue ?? 1))}
        </span>
      </span>
      {assumed && (
        <span className="jp-GreenPill jp-mod-warn">
          {trans.__('no location set')}
        </span>
      )}
      <button
        type="button"
        className="jp-GreenLink"
        onClick={() => run(CommandIDs.setLocation)}
      >
        {trans.__('Set location…')}
      </button>
    </div>
  );
}
