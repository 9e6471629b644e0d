/**
 * The samples of the last minutes, and the columns that a stacked chart draws.
 *
 * Pure: no clock, no DOM.  Imports tokens.
 */
import type { IPowerSample } from './tokens';

/** Seconds of history that are kept; the server keeps as many. */
export const HISTORY_S = 600;

/** Samples in the order of their times, each time once, none older than the history. */
export class PowerHistory {
  /** The samples, oldest first. */
  get samples(): readonly IPowerSample[] {
    return this._samples;
  }

  /** Time of the newest sample in seconds since the epoch; 0 if there is none. */
  get newest(): number {
    return this._samples[this._samples.length - 1]?.t ?? 0;
  }

  /** Add samples; those that are known, or too old, are left out. */
  add(samples: readonly IPowerSample[]): void {
    const last = this.newest;
    const later = samples.filter(sample => sample.t > last);
    if (later.length === samples.length) {
      this._samples.push(...later);
    } else {
      const byTime = new Map(this._samples.map(sample => [sample.t, sample]));
      samples.forEach(sample => byTime.set(sample.t, sample));
      this._samples = [...byTime.values()];
    }
    this._samples.sort((a, b) => a.t - b.t);
    const oldest = this.newest - HISTORY_S;
    const first = this._samples.findIndex(sample => sample.t >= oldest);
    this._samples.splice(0, Math.max(0, first));
  }

  /** Forget everything, as for another host. */
  clear(): void {
    this._samples = [];
  }

  private _samples: IPowerSample[] = [];
}

/** Columns for a chart: times, then for each device the watts up to its upper edge. */
export type Columns = [number[], ...(number | null)[][]];

/**
 * Stack the watts of *devices*, the first at the bottom.
 *
 * #### Notes
 * What is not measured leaves a gap in its own layer and adds nothing to those above.
 * Where samples are missing for longer than *gapS*, all layers have a gap: nobody was
 * watching then, and a line across would claim to know.
 */
export function stack(
  samples: readonly IPowerSample[],
  devices: readonly string[],
  gapS = 5
): Columns {
  const times: number[] = [];
  const layers: (number | null)[][] = devices.map(() => []);
  let last = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    if (sample.t - last > gapS && times.length) {
      times.push((sample.t + last) / 2);
      layers.forEach(layer => layer.push(null));
    }
    last = sample.t;
    times.push(sample.t);
    let sum = 0;
    devices.forEach((device, i) => {
      const watts = sample.power_w[device] ?? null;
      sum += watts ?? 0;
      layers[i]!.push(watts === null ? null : sum);
    });
  }
  return [times, ...layers];
}

/** Largest total of the samples in watts; null if none is known. */
export function peak(samples: readonly IPowerSample[]): number | null {
  const known = samples.flatMap(sample => sample.total_w ?? []);
  return known.length ? Math.max(...known) : null;
}
