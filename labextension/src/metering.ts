/**
 * What can be known of a kernel's metering from the cells that were run.  Pure.
 */
import type { Metering } from './tokens';

/** The magics that load the extension, or switch the metering of every cell. */
const SWITCHES =
  /^\s*%(?:(?:re)?load_ext\s+jupyter_green|green\s+(on|off))\b/gm;

/** Return what a kernel does after a cell that ran well: its last magic counts. */
export function meteringAfter(source: string, before: Metering): Metering {
  let after = before;
  for (const [, word] of source.matchAll(SWITCHES)) {
    if (word === 'on') {
      after = 'every-cell';
    } else if (word === 'off' || after === 'unknown') {
      after = 'loaded';
    }
  }
  return after;
}
