/** Samples in order, and the layers that the chart draws. */
import { describe, expect, it } from 'vitest';

import { HISTORY_S, peak, PowerHistory, stack } from '../src/history';
import { sample } from './fakes';

describe('PowerHistory', () => {
  it('keeps each time once, in order, whatever order they come in', () => {
    const history = new PowerHistory();
    history.add([sample(2, 20), sample(3, 30)]);
    history.add([sample(1, 10), sample(3, 31)]);
    expect(history.samples.map(s => s.t)).toEqual([1, 2, 3]);
    expect(history.samples[2]!.power_w['gpu']).toBe(31);
  });

  it('forgets what is older than the history, however long it runs', () => {
    const history = new PowerHistory();
    for (let t = 0; t < 5000; t += 1) {
      history.add([sample(t, 1)]);
    }
    expect(history.samples).toHaveLength(HISTORY_S + 1);
    expect(history.newest).toBe(4999);
  });
});

describe('stack', () => {
  it('puts each device on top of those before it', () => {
    const columns = stack([sample(1, 10), sample(2, 20)], ['gpu', 'cpu']);
    expect(columns).toEqual([
      [1, 2],
      [10, 20],
      [20, 40]
    ]);
  });

  it('leaves a gap where a device is not measured, and does not call it 0 W', () => {
    const half = { t: 1, power_w: { gpu: null, cpu: 5 }, total_w: 5 };
    expect(stack([half], ['gpu', 'cpu'])).toEqual([[1], [null], [5]]);
  });

  it('leaves a gap in all layers where nobody was watching', () => {
    const columns = stack([sample(1, 10), sample(61, 20)], ['gpu']);
    expect(columns).toEqual([
      [1, 31, 61],
      [10, null, 20]
    ]);
  });
});

describe('peak', () => {
  it('is unknown where no total is known', () => {
    expect(peak([sample(1, null)])).toBeNull();
    expect(peak([sample(1, 4), sample(2, 3)])).toBe(8);
  });
});
