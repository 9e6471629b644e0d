/**
 * Words for the values that the server names: methods, kinds, purposes, scopes, budgets.
 *
 * Pure; imports tokens and format.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { formatCo2e, formatEnergy, formatPercent } from './format';
import type { IBudget, IDevice, Scope } from './tokens';

/** How a figure came about, in one word. */
export function methodWord(method: string, trans: TranslationBundle): string {
  const words: { [method: string]: string } = {
    counter: trans.__('measured'),
    integrated: trans.__('integrated'),
    estimated: trans.__('estimated'),
    simulated: trans.__('simulated'),
    none: trans.__('not available')
  };
  return words[method] ?? method;
}

/** How a figure came about, in one sentence. */
export function methodTip(method: string, trans: TranslationBundle): string {
  const tips: { [method: string]: string } = {
    counter: trans.__('Read from the device’s own energy counter.'),
    integrated: trans.__('Added up from the power that the device reports.'),
    estimated: trans.__('Computed by a model: nothing here is measured.'),
    simulated: trans.__('Made up for a trial: no real device is read.'),
    none: trans.__('There is no figure for this device.')
  };
  return tips[method] ?? '';
}

/** What a device is called in short: its kind, numbered where there are several. */
export function deviceWord(
  device: IDevice,
  devices: readonly IDevice[],
  trans: TranslationBundle
): string {
  const words: { [kind: string]: string } = {
    gpu: trans.__('GPU'),
    cpu: trans.__('CPU'),
    dram: trans.__('DRAM'),
    ram: trans.__('Memory'),
    soc: trans.__('SoC'),
    machine: trans.__('Machine')
  };
  const word = words[device.kind] ?? device.kind;
  const alike = devices.filter(other => other.kind === device.kind);
  return alike.length > 1 ? `${word} ${device.index}` : word;
}

/** What a purpose is called. */
export function purposeWord(purpose: string, trans: TranslationBundle): string {
  const words: { [purpose: string]: string } = {
    final: trans.__('final'),
    search: trans.__('search'),
    ablation: trans.__('ablation'),
    development: trans.__('development'),
    inference: trans.__('inference'),
    other: trans.__('other')
  };
  return words[purpose] ?? purpose;
}

/** What a sum is a sum of. */
export function scopeWord(scope: Scope, trans: TranslationBundle): string {
  const words: { [scope in Scope]: string } = {
    notebook: trans.__('This notebook'),
    today: trans.__('Today'),
    project: trans.__('Project'),
    all: trans.__('Everything')
  };
  return words[scope];
}

/** What a budget is for, beside the notebook that stands at *path*. */
export function budgetWord(
  budget: IBudget,
  path: string,
  trans: TranslationBundle
): string {
  const short = budget.name.split(/[\\/]/).pop() || budget.name;
  switch (budget.scope) {
    case 'label':
      return trans.__('Label %1', budget.name);
    case 'project':
      return trans.__('Project %1', short);
    default:
      // Its kernel may still run under the name that it had before.
      return budget.path === path
        ? trans.__('This notebook')
        : trans.__('This notebook, as %1', short);
  }
}

/** A figure of a budget, in its unit. */
export function amountWord(
  budget: IBudget,
  value: number | null,
  trans: TranslationBundle
): string {
  if (budget.unit === 'J' || value === null) {
    return formatEnergy(value);
  }
  return trans.__('%1 CO₂e', formatCo2e(value));
}

/** What to tell of a budget that work elsewhere has used. */
export function budgetWarning(
  budget: IBudget,
  path: string,
  trans: TranslationBundle
): string {
  const what = budgetWord(budget, path, trans);
  const limit = amountWord(budget, budget.limit, trans);
  return budget.state === 'spent'
    ? trans.__(
        '%1: the budget of %2 is spent, by work outside of this notebook.',
        what,
        limit
      )
    : trans.__(
        '%1: %2 of the budget of %3 is used, by work outside of this notebook.',
        what,
        formatPercent(budget.fraction),
        limit
      );
}

/** How a run ended, where it did not end well. */
export function statusWord(status: string, trans: TranslationBundle): string {
  const words: { [status: string]: string } = {
    running: trans.__('running'),
    ok: trans.__('done'),
    error: trans.__('failed'),
    interrupted: trans.__('interrupted'),
    killed: trans.__('killed')
  };
  return words[status] ?? status;
}
