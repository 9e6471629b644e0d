/** How far the budgets are used that bear on the notebook in front. */
import * as React from 'react';

import { keyOf, sortBudgets } from '../budgets';
import { formatPercent } from '../format';
import type { IBudget } from '../tokens';
import { amountWord, budgetWord } from '../words';
import { useSignal, useView } from './context';
import { Section } from './section';

/** More of them are folded. */
const FEW = 4;

/** The section on budgets; nothing where there is none. */
export function Budgets(): JSX.Element | null {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const [all, setAll] = React.useState(false);
  const known = model.budgets;
  if (!known || !(known.budgets.length || known.problems.length)) {
    return null;
  }
  const sorted = sortBudgets(known.budgets);
  const shown = all ? sorted : sorted.slice(0, FEW);
  return (
    <Section name="budgets" title={trans.__('Budgets')}>
      <ul className="jp-GreenBudgets" aria-label={trans.__('Budgets')}>
        {shown.map(budget => (
          <Budget key={keyOf(budget)} budget={budget} />
        ))}
      </ul>
      {sorted.length > FEW && (
        <button
          type="button"
          className="jp-GreenLink"
          aria-expanded={all}
          data-green="more-budgets"
          onClick={() => setAll(!all)}
        >
          {all
            ? trans.__('Show fewer')
            : trans._n('%1 more', '%1 more', sorted.length - FEW)}
        </button>
      )}
      {known.left_out > 0 && (
        <p className="jp-GreenText">
          {trans._n(
            '%1 more is not shown: %green budget lists all.',
            '%1 more are not shown: %green budget lists all.',
            known.left_out
          )}
        </p>
      )}
      {known.problems.map(problem => (
        <p key={problem} className="jp-GreenText" role="status">
          {problem}
        </p>
      ))}
    </Section>
  );
}

function Budget({ budget }: { budget: IBudget }): JSX.Element {
  const { model, trans } = useView();
  const word = budgetWord(budget, model.notebook?.path ?? '', trans);
  const lacking = missing(budget, trans).join(' · ');
  const facts = [usedText(budget, trans), sinceText(budget, trans)]
    .filter(Boolean)
    .join(' · ');
  return (
    <li
      className={`jp-GreenBudget jp-mod-${budget.state ?? 'unknown'}`}
      data-green-budget={budget.scope}
    >
      <div className="jp-GreenCell-line">
        <span
          className="jp-GreenCell-title"
          title={budget.scope === 'label' ? word : budget.name}
        >
          {word}
        </span>
        <span className="jp-GreenCell-energy" data-green="part">
          {budget.fraction === null ? '–' : formatPercent(budget.fraction)}
        </span>
      </div>
      <Meter
        budget={budget}
        word={word}
        text={[facts, lacking].filter(Boolean).join(' · ')}
      />
      <div className="jp-GreenCell-tags">
        <span className="jp-GreenCell-facts">{facts}</span>
        <State budget={budget} />
        {budget.stop && (
          <span
            className="jp-GreenPill"
            title={trans.__(
              'The running cell is interrupted when this budget is spent; its record is kept.'
            )}
          >
            {trans.__('stops cells')}
          </span>
        )}
        {lacking && <span className="jp-GreenCell-facts">{lacking}</span>}
      </div>
    </li>
  );
}

/** The bar; its words say as much as its length and colour do. */
function Meter(props: {
  budget: IBudget;
  word: string;
  text: string;
}): JSX.Element | null {
  const { trans } = useView();
  const { budget, word, text } = props;
  if (budget.fraction === null) {
    return null;
  }
  const percent = Math.min(100, Math.max(0, 100 * budget.fraction));
  return (
    <div
      className="jp-GreenMeter"
      role="meter"
      aria-label={trans.__('Budget: %1', word)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      aria-valuetext={`${formatPercent(budget.fraction)}, ${text}`}
    >
      <div className="jp-GreenMeter-bar" style={{ width: `${percent}%` }} />
    </div>
  );
}

function State({ budget }: { budget: IBudget }): JSX.Element | null {
  const { trans } = useView();
  switch (budget.state) {
    case 'near':
      return (
        <span className="jp-GreenPill jp-mod-warn" data-green="state">
          {trans.__('nearly spent')}
        </span>
      );
    case 'spent':
      return (
        <span className="jp-GreenPill jp-mod-error" data-green="state">
          {trans.__('spent')}
        </span>
      );
    default:
      return null;
  }
}

type Words = ReturnType<typeof useView>['trans'];

/** `42.5 of 50.0 Wh`: the unit twice only where it is another one. */
function usedText(budget: IBudget, trans: Words): string {
  const used = amountWord(budget, budget.used, trans);
  const limit = amountWord(budget, budget.limit, trans);
  const [figure, unit] = split(used);
  return trans.__('%1 of %2', unit === split(limit)[1] ? figure : used, limit);
}

function split(amount: string): [string, string] {
  const at = amount.indexOf(' ');
  return [amount.slice(0, at), amount.slice(at + 1)];
}

function sinceText(budget: IBudget, trans: Words): string {
  if (!budget.since) {
    return '';
  }
  const time = Date.parse(budget.since);
  return Number.isNaN(time)
    ? trans.__('the last %1', budget.since)
    : trans.__('since %1', new Date(time).toLocaleDateString());
}

/** What was used and is in no figure. */
function missing(budget: IBudget, trans: Words): string[] {
  const unmeasured = budget.unmeasured_runs - budget.running_runs;
  const parts: string[] = [];
  if (unmeasured > 0) {
    parts.push(
      trans._n('%1 run not measured', '%1 runs not measured', unmeasured)
    );
  }
  if (budget.unit === 'gCO2e' && budget.runs_without_co2e) {
    parts.push(
      trans._n(
        '%1 run without CO₂e',
        '%1 runs without CO₂e',
        budget.runs_without_co2e
      )
    );
  }
  return parts;
}
