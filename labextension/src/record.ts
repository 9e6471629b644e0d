/**
 * What follows from a record: its energy, its grams, and the words that go with them.
 *
 * Records store inputs and no results, so these are the same derivations as `Record`'s
 * properties and `report/card.py`.  Pure; imports tokens and format.
 */
import { formatCo2e, formatCo2eOf, formatEnergy, NOT_MEASURED } from './format';
import type { IDeviceRecord, IRecord, ITotals, Method } from './tokens';

const J_PER_KWH = 3.6e6;

/** Gross joules of all devices that have a figure; null if none has. */
export function energyOf(record: IRecord): number | null {
  const known = record.devices.flatMap(d => d.energy_j ?? []);
  return known.length ? known.reduce((sum, part) => sum + part, 0) : null;
}

/**
 * Half-width (95 %) of the energy in joules; null where a figure came without one.
 *
 * Devices err independently, and estimates by one model (the id up to a colon) together.
 */
export function uncertaintyOf(record: IRecord): number | null {
  const figures = record.devices.filter(isFigure);
  const sources = new Map<string, number>();
  for (const [at, device] of figures.entries()) {
    const half = device.uncertainty_j ?? null;
    if (half === null) {
      return null;
    }
    const source =
      device.method === 'estimated'
        ? device.id.replace(/:.*/s, '')
        : `sensor ${at}`;
    sources.set(source, (sources.get(source) ?? 0) + half);
  }
  return figures.length ? Math.hypot(...sources.values()) : null;
}

/** Grams of CO2e: energy x PUE x intensity; null without energy or intensity. */
export function co2eOf(record: IRecord): number | null {
  const energyJ = energyOf(record);
  if (energyJ === null || !record.intensity) {
    return null;
  }
  const pue = record.pue?.value ?? 1;
  return (energyJ / J_PER_KWH) * pue * record.intensity.g_per_kwh;
}

/** The methods behind the energy, in the order of the devices. */
export function methodsOf(record: IRecord): Method[] {
  return [
    ...new Set(record.devices.flatMap(d => (isFigure(d) ? d.method : [])))
  ];
}

/** Whether every figure is below what its device can resolve. */
export function isBelowResolution(record: IRecord): boolean {
  const figures = record.devices.filter(isFigure);
  return figures.length > 0 && figures.every(isBelow);
}

/** The energy of a record as people read it. */
export function energyText(record: IRecord): string {
  const energyJ = energyOf(record);
  const uncertaintyJ = uncertaintyOf(record);
  if (energyJ !== null && isBelowResolution(record)) {
    return `< ${formatEnergy(energyJ + (uncertaintyJ ?? 0))}`;
  }
  return formatEnergy(energyJ, uncertaintyJ);
}

/** The grams of a record as people read them; empty where none can be known. */
export function co2eText(record: IRecord): string {
  const grams = co2eOf(record);
  const energyJ = energyOf(record);
  if (grams === null || energyJ === null) {
    return '';
  }
  const uncertaintyJ = uncertaintyOf(record);
  if (energyText(record).startsWith('<') && energyJ > 0) {
    const limitG = grams * (1 + (uncertaintyJ ?? 0) / energyJ);
    return `< ${formatCo2e(limitG)}`;
  }
  return formatCo2eOf(grams, energyJ, uncertaintyJ);
}

/** One device of a record as people read it: name, energy, method. */
export function deviceText(device: IDeviceRecord): string {
  const name = device.name || `${device.kind} ${device.index ?? 0}`;
  if (!isFigure(device)) {
    const reason = device.reason ? `: ${device.reason}` : '';
    return `${name}: ${NOT_MEASURED}${reason}`;
  }
  const energy = isBelow(device)
    ? `< ${formatEnergy((device.energy_j ?? 0) + (device.uncertainty_j ?? 0))}`
    : formatEnergy(device.energy_j, device.uncertainty_j);
  return `${name}: ${energy}, ${device.method}`;
}

/** Seconds since the epoch at which a record began and ended; null if unsaid. */
export function spanOf(record: IRecord): [number, number] | null {
  const start = Date.parse(record.started_at ?? '') / 1000;
  return Number.isFinite(start) ? [start, start + record.duration_s] : null;
}

/** The energy of a sum by method, largest first, as fractions of the whole. */
export function methodShares(totals: ITotals): [Method, number][] {
  const parts = Object.entries(totals.methods) as [Method, number][];
  const all = parts.reduce((sum, [, energyJ]) => sum + energyJ, 0);
  return parts
    .filter(([, energyJ]) => energyJ > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([method, energyJ]) => [method, all ? energyJ / all : 0]);
}

function isFigure(device: IDeviceRecord): boolean {
  return device.energy_j !== null && device.energy_j !== undefined;
}

function isBelow(device: IDeviceRecord): boolean {
  return device.flags?.includes('below-resolution') ?? false;
}
