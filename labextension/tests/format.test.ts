/** The same figures as the Python package, from the same table of cases. */
import { describe, expect, it } from 'vitest';

import cases from '../../tests/data/format_cases.json';
import {
  formatCo2e,
  formatCo2eOf,
  formatDistance,
  formatDuration,
  formatEnergy,
  formatMemory,
  formatPercent,
  formatPlain,
  formatPower
} from '../src/format';

type Figure = number | null;

describe('figures read as in the Python package', () => {
  it.each(cases.energy as [Figure, Figure, string][])(
    'energy %s ± %s reads %s',
    (value, uncertainty, text) => {
      expect(formatEnergy(value, uncertainty)).toBe(text);
    }
  );
  it.each(cases.co2e as [Figure, Figure, string][])(
    'CO2e %s ± %s reads %s',
    (value, uncertainty, text) => {
      expect(formatCo2e(value, uncertainty)).toBe(text);
    }
  );
  it.each(cases.co2e_of as [Figure, Figure, Figure, string][])(
    'CO2e %s of %s ± %s J reads %s',
    (grams, energy, uncertainty, text) => {
      expect(formatCo2eOf(grams, energy, uncertainty)).toBe(text);
    }
  );
  it.each(cases.power as [Figure, Figure, string][])(
    'power %s ± %s reads %s',
    (value, uncertainty, text) => {
      expect(formatPower(value, uncertainty)).toBe(text);
    }
  );
  it.each(cases.duration as [Figure, string][])(
    'duration %s reads %s',
    (value, text) => {
      expect(formatDuration(value)).toBe(text);
    }
  );
  it.each(cases.percent as [Figure, string][])(
    'fraction %s reads %s',
    (value, text) => {
      expect(formatPercent(value)).toBe(text);
    }
  );
});

describe('figures that only the panel shows', () => {
  it('has no figure for what is not a number', () => {
    expect(formatEnergy(NaN)).toBe('not measured');
    expect(formatDuration(Infinity)).toBe('not measured');
    expect(formatPower(undefined)).toBe('not measured');
  });

  it('shows distances and memory in the unit that fits', () => {
    expect(formatDistance(0.254)).toBe('25.4 cm');
    expect(formatDistance(12340)).toBe('12.3 km');
    expect(formatMemory(42_949_672_960)).toBe('42.9 GB');
  });

  it('shows a plain figure without trailing zeros', () => {
    expect(formatPlain(51.2999)).toBe('51.3');
    expect(formatPlain(1)).toBe('1');
  });
});
