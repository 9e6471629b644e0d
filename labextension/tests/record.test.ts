/** What follows from a record, worked out by hand. */
import { describe, expect, it } from 'vitest';

import {
  co2eOf,
  co2eText,
  deviceText,
  energyOf,
  energyText,
  methodShares,
  spanOf,
  uncertaintyOf
} from '../src/record';
import { record, totals } from './fakes';

const GPU = record().devices[0]!;
const UNREADABLE = {
  ...GPU,
  id: 'cpu',
  kind: 'cpu',
  energy_j: null,
  uncertainty_j: null,
  reason: 'no counter'
};
const FRANCE = { g_per_kwh: 60, zone: 'FRA', source: 'a table' };

describe('the energy of a record', () => {
  it('is the sum of what is measured, its uncertainty the root of the squares', () => {
    const both = record({
      devices: [GPU, { ...GPU, energy_j: 50, uncertainty_j: 12 }, UNREADABLE]
    });
    expect(energyOf(both)).toBe(150);
    expect(uncertaintyOf(both)).toBe(13);
    expect(energyText(both)).toBe('150 ± 13 J');
  });

  it('is as uncertain as the model behind all of its boards', () => {
    const board = {
      ...GPU,
      method: 'estimated' as const,
      energy_j: 100,
      uncertainty_j: 20
    };
    const boards = [0, 1, 2, 3].map(n => ({ ...board, id: `added:H100:${n}` }));
    // Four boards at 20 % are 400 J at 20 %; a sensor's 60 J are independent.
    expect(uncertaintyOf(record({ devices: boards }))).toBe(80);
    const mixed = [...boards, { ...GPU, uncertainty_j: 60 }];
    expect(uncertaintyOf(record({ devices: mixed }))).toBe(100);
  });

  it('has no uncertainty where one of its figures has none', () => {
    const unknown = { ...GPU, id: 'cpu', uncertainty_j: null };
    expect(uncertaintyOf(record({ devices: [GPU, unknown] }))).toBeNull();
  });

  it('is unknown and not 0 where no device has a figure', () => {
    const none = record({ devices: [UNREADABLE], intensity: FRANCE });
    expect(energyOf(none)).toBeNull();
    expect(co2eOf(none)).toBeNull();
    expect(energyText(none)).toBe('not measured');
    expect(deviceText(UNREADABLE)).toBe('cpu 0: not measured: no counter');
  });

  it('is a bound where it is below the resolution', () => {
    const small = record({
      devices: [
        { ...GPU, energy_j: 2, uncertainty_j: 6, flags: ['below-resolution'] }
      ],
      intensity: FRANCE
    });
    expect(energyText(small)).toBe('< 8.00 J');
    // 8 J / 3.6e6 J/kWh x 60 g/kWh = 133.3 µg
    expect(co2eText(small)).toBe('< 133 µg');
  });
});

describe('the grams of a record', () => {
  it('are energy x PUE x intensity, as well rounded as the energy', () => {
    const cell = record({
      devices: [{ ...GPU, energy_j: 7200, uncertainty_j: 360 }],
      intensity: FRANCE,
      pue: { value: 1.5, source: 'measured' }
    });
    // 0.002 kWh x 1.5 x 60 g/kWh = 0.18 g; 5 % of it is 9 mg
    expect(co2eOf(cell)).toBeCloseTo(0.18, 12);
    expect(co2eText(cell)).toBe('180 mg');
  });

  it('are empty without an intensity', () => {
    expect(co2eText(record())).toBe('');
  });
});

describe('spans and shares', () => {
  it('has a span in seconds, if the start is said', () => {
    expect(spanOf(record({ started_at: '1970-01-01T00:01:00Z' }))).toEqual([
      60, 62
    ]);
    expect(spanOf(record({ started_at: '' }))).toBeNull();
  });

  it('names the methods by their part of the energy, largest first', () => {
    const sum = { ...totals('all'), methods: { estimated: 25, counter: 75 } };
    expect(methodShares(sum)).toEqual([
      ['counter', 0.75],
      ['estimated', 0.25]
    ]);
  });
});
