/** Which budget comes first, and when one is told of. */
import { describe, expect, it } from 'vitest';

import { Crossings, keyOf, sortBudgets } from '../src/budgets';
import { amountWord, budgetWarning, budgetWord } from '../src/words';
import { budget, trans } from './fakes';

const near = budget({ state: 'near', fraction: 0.85, used: 153_000 });
const spent = budget({ state: 'spent', fraction: 1.2, used: 216_000 });

describe('the order of budgets', () => {
  it('is by urgency, then the notebook’s, its projects’, its labels’', () => {
    const label = budget({ scope: 'label', name: 'b' });
    const first = budget({ scope: 'label', name: 'a' });
    const project = budget({ scope: 'project', name: '/p' });
    const unknown = budget({ state: null, fraction: null, used: null });
    const urgent = budget({ scope: 'label', name: 'z', state: 'spent' });
    const sorted = sortBudgets([label, first, project, unknown, near, urgent]);
    expect(sorted).toEqual([urgent, near, unknown, project, first, label]);
  });
});

describe('a budget that is crossed', () => {
  it('is told once, at 80 % and again where it is spent', () => {
    const crossings = new Crossings();
    expect(crossings.take([budget()])).toEqual([]);
    expect(crossings.take([near])).toEqual([near]);
    expect(crossings.take([near])).toEqual([]);
    expect(crossings.take([spent])).toEqual([spent]);
    expect(crossings.take([spent])).toEqual([]);
  });

  it('is not told where nobody saw it below', () => {
    const crossings = new Crossings();
    expect(crossings.take([spent])).toEqual([]);
    crossings.take([budget()]);
    crossings.forget();
    expect(crossings.take([spent])).toEqual([]);
  });

  it('is another one with another amount, and unknown where a figure is missing', () => {
    const crossings = new Crossings();
    crossings.take([budget()]);
    const smaller = { ...spent, limit: 1000 };
    expect(keyOf(smaller)).not.toBe(keyOf(spent));
    expect(crossings.take([smaller])).toEqual([]);
    crossings.take([budget({ state: null, fraction: null, used: null })]);
    expect(crossings.take([near])).toEqual([]);
  });
});

describe('words for budgets', () => {
  it.each([
    [budget(), 'This notebook'],
    [
      budget({ name: '/srv/old.ipynb', path: 'old.ipynb' }),
      'This notebook, as old.ipynb'
    ],
    [
      budget({ scope: 'project', name: '/srv/thesis', path: '.' }),
      'Project thesis'
    ],
    [budget({ scope: 'project', name: 'C:\\work\\thesis' }), 'Project thesis'],
    [budget({ scope: 'label', name: 'a/b', path: null }), 'Label a/b']
  ])('case %#', (entry, word) => {
    expect(budgetWord(entry, 'work/one.ipynb', trans)).toBe(word);
  });

  it('name the unit, and what is missing', () => {
    expect(amountWord(budget(), 180_000, trans)).toBe('50.0 Wh');
    expect(amountWord(budget({ unit: 'gCO2e' }), 12.5, trans)).toBe(
      '12.5 g CO₂e'
    );
    expect(amountWord(budget({ unit: 'gCO2e' }), null, trans)).toBe(
      'not measured'
    );
  });

  it('say what is used, and by whom', () => {
    const project = { scope: 'project' as const, name: '/srv/thesis' };
    expect(budgetWarning({ ...near, ...project }, '', trans)).toBe(
      'Project thesis: 85 % of the budget of 50.0 Wh is used, by work outside of this notebook.'
    );
    expect(budgetWarning({ ...spent, ...project }, '', trans)).toContain(
      'the budget of 50.0 Wh is spent'
    );
  });
});
