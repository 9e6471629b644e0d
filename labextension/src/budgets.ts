/**
 * Budgets: their order, and when work elsewhere has brought one near its limit.
 *
 * Pure; imports tokens.
 */
import type { IBudget } from './tokens';

const RANKS = { within: 0, near: 1, spent: 2 };
const SCOPES = ['notebook', 'project', 'label'];

/** What tells budgets apart: one with another amount is another one. */
export function keyOf(budget: IBudget): string {
  const { scope, name, unit, limit, since } = budget;
  return JSON.stringify([scope, name, unit, limit, since]);
}

/** Return budgets as they are shown: what is spent or nearly so first. */
export function sortBudgets(budgets: readonly IBudget[]): IBudget[] {
  return [...budgets].sort(
    (a, b) =>
      rankOf(b) - rankOf(a) ||
      SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope) ||
      a.name.localeCompare(b.name)
  );
}

/** Notes how far budgets are used from one answer to the next. */
export class Crossings {
  /**
   * Return the budgets that have got near their limit, or over, since the last answer.
   *
   * #### Notes
   * What was not known before has not been seen to cross anything: a page that is
   * opened on a spent budget shows it and raises no alarm.
   */
  take(budgets: readonly IBudget[]): IBudget[] {
    const crossed = budgets.filter(budget => {
      const before = this._ranks.get(keyOf(budget));
      return before !== undefined && rankOf(budget) > before;
    });
    this._ranks = new Map(
      budgets
        .filter(budget => budget.state !== null)
        .map(budget => [keyOf(budget), rankOf(budget)])
    );
    return crossed;
  }

  /** Begin anew: what comes next was not followed. */
  forget(): void {
    this._ranks.clear();
  }

  private _ranks = new Map<string, number>();
}

function rankOf(budget: IBudget): number {
  return budget.state === null ? 0 : RANKS[budget.state];
}
