/** What a kernel does after a cell that ran well. */
import { describe, expect, it } from 'vitest';

import { meteringAfter } from '../src/metering';

describe('meteringAfter', () => {
  it.each([
    ['1 + 1', 'unknown', 'unknown'],
    ['%load_ext jupyter_green', 'unknown', 'loaded'],
    ['import x\n  %reload_ext jupyter_green', 'unknown', 'loaded'],
    ['%load_ext jupyter_greener', 'unknown', 'unknown'],
    ['# %load_ext jupyter_green', 'unknown', 'unknown'],
    ['%load_ext jupyter_green\n%green on', 'unknown', 'every-cell'],
    ['%load_ext jupyter_green', 'every-cell', 'every-cell'],
    ['%green off', 'every-cell', 'loaded'],
    ['%green on\n%green off', 'unknown', 'loaded'],
    ['%green totals', 'every-cell', 'every-cell']
  ] as const)('%j turns %s into %s', (source, before, after) => {
    expect(meteringAfter(source, before)).toBe(after);
  });
});
