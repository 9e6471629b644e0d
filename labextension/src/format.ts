/**
 * Print joules, seconds, watts and grams for people, rounded to what is known.
 *
 * The same rules and the same results as `report/format.py` of the Python package: both
 * are tested with tests/data/format_cases.json.  Pure; imports nothing.
 */

const J_PER_WH = 3600;
const J_PER_KWH = 3.6e6;
/** Significant digits of a value that comes without uncertainty. */
const PLAIN_DIGITS = 3;
/** Less, in proportion, is what calculating with floats leaves. */
const FLOAT_NOISE = 1e-12;
/** What is shown instead of a missing figure. */
export const NOT_MEASURED = 'not measured';

/** Each: least value that uses the unit, size of the unit, symbol; largest first. */
type Unit = readonly [least: number, size: number, symbol: string];
type Scale = readonly Unit[];
type Figure = number | null | undefined;

const ENERGY: Scale = [
  [1000 * J_PER_KWH, 1000 * J_PER_KWH, 'MWh'],
  [J_PER_KWH, J_PER_KWH, 'kWh'],
  [J_PER_WH, J_PER_WH, 'Wh'],
  [1, 1, 'J'],
  [0, 1e-3, 'mJ']
];
const MASS: Scale = [
  [1e6, 1e6, 't'],
  [1e3, 1e3, 'kg'],
  [1, 1, 'g'],
  [1e-3, 1e-3, 'mg'],
  [0, 1e-6, 'µg']
];
const POWER: Scale = [
  [1e6, 1e6, 'MW'],
  [1e3, 1e3, 'kW'],
  [1, 1, 'W'],
  [0, 1e-3, 'mW']
];
const SHORT_TIME: Scale = [
  [1, 1, 's'],
  [1e-3, 1e-3, 'ms'],
  [0, 1e-6, 'µs']
];
const DISTANCE: Scale = [
  [1e3, 1e3, 'km'],
  [1, 1, 'm'],
  [0, 1e-2, 'cm']
];
const MEMORY: Scale = [
  [1e9, 1e9, 'GB'],
  [1e6, 1e6, 'MB'],
  [1, 1, 'B'],
  [0, 1, 'B']
];

/** Return joules with their uncertainty: mJ, J below 3.6 kJ, then Wh and kWh. */
export function formatEnergy(energyJ: Figure, uncertaintyJ?: Figure): string {
  return formatQuantity(energyJ, uncertaintyJ, ENERGY);
}

/** Return grams of CO2e with their uncertainty, from µg to t. */
export function formatCo2e(co2eG: Figure, uncertaintyG?: Figure): string {
  return formatQuantity(co2eG, uncertaintyG, MASS);
}

/**
 * Return grams as well rounded as the energy that they come from.
 *
 * The interval itself is left out: the intensity's own error is not known.
 */
export function formatCo2eOf(
  co2eG: Figure,
  energyJ: Figure,
  uncertaintyJ: Figure
): string {
  if (!isKnown(co2eG) || !energyJ || !isKnown(uncertaintyJ)) {
    return formatCo2e(co2eG);
  }
  const text = formatCo2e(co2eG, (co2eG * uncertaintyJ) / Math.abs(energyJ));
  const [value, interval] = text.split(' ± ');
  return interval === undefined
    ? text
    : `${value} ${interval.slice(interval.lastIndexOf(' ') + 1)}`;
}

/** Take a printed figure apart: `123.5 ± 2.3 J` is `123.5`, ` ± 2.3` and `J`. */
export function partsOf(text: string): [string, string, string] {
  const [value, interval] = text.split(' ± ');
  if (interval === undefined) {
    return [text, '', ''];
  }
  const [width, symbol] = interval.split(' ');
  return [value!, ` ± ${width}`, symbol ?? ''];
}

/** Return watts with their uncertainty, from mW to MW. */
export function formatPower(powerW: Figure, uncertaintyW?: Figure): string {
  return formatQuantity(powerW, uncertaintyW, POWER);
}

/** Return metres, from cm to km. */
export function formatDistance(metres: Figure): string {
  return formatQuantity(metres, null, DISTANCE);
}

/** Return bytes in decimal units. */
export function formatMemory(bytes: Figure): string {
  return formatQuantity(bytes, null, MEMORY);
}

/** Return seconds as people say them: `2 min 05 s`, `3 h 05 min`. */
export function formatDuration(durationS: Figure): string {
  if (!isKnown(durationS)) {
    return NOT_MEASURED;
  }
  // Rounded first, so that 59.97 s does not become "60.0 s".
  if (Math.abs(significant(durationS, PLAIN_DIGITS)) < 60) {
    return formatQuantity(durationS, null, SHORT_TIME);
  }
  const seconds = round(durationS, 0);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) {
    return `${days} d ${two(hours % 24)} h`;
  }
  return hours
    ? `${hours} h ${two(minutes % 60)} min`
    : `${minutes} min ${two(seconds % 60)} s`;
}

/** Return a fraction of 1 in percent, without pretending to more than one digit. */
export function formatPercent(fraction: Figure): string {
  if (!isKnown(fraction)) {
    return NOT_MEASURED;
  }
  const percent = 100 * fraction;
  if (percent > 0 && percent < 0.1) {
    return '< 0.1 %';
  }
  // Nearly all is not all: 99.97 % beside another part must not read 100 %.
  if (percent >= 99.95 && percent < 100) {
    return '> 99.9 %';
  }
  return `${digits(percent, percent >= 10 ? 0 : 1)} %`;
}

/** Return a figure with at most *places* significant digits and no trailing zeros. */
export function formatPlain(value: number, places = 4): string {
  return String(significant(value, places));
}

function formatQuantity(
  value: Figure,
  uncertainty: Figure,
  scale: Scale
): string {
  if (!isKnown(value)) {
    return NOT_MEASURED;
  }
  if (!isKnown(uncertainty) || uncertainty <= FLOAT_NOISE * Math.abs(value)) {
    // The unit is that of the rounded value; the value is rounded once, in it.
    const [size, symbol] = unit(significant(value, PLAIN_DIGITS), scale);
    const figure = value / size;
    return `${digits(figure, decimals(figure, PLAIN_DIGITS))} ${symbol}`;
  }
  const [size, symbol] = unit(Math.max(Math.abs(value), uncertainty), scale);
  const scaled = value / size;
  const width = uncertainty / size;
  const places = intervalDecimals(width);
  if (round(scaled, places) === 0) {
    return `< ${digits(Math.abs(scaled) + width, places)} ${symbol}`;
  }
  return `${digits(scaled, places)} ± ${digits(width, places)} ${symbol}`;
}

function isKnown(value: Figure): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function unit(value: number, scale: Scale): [number, string] {
  const fits =
    value === 0
      ? scale.find(([, size]) => size === 1)
      : scale.find(([least]) => Math.abs(value) >= least);
  const [, size, symbol] = fits ?? scale[scale.length - 1]!;
  return [size, symbol];
}

/** Return the decimals to which a half-width above 0 and its value are printed. */
function intervalDecimals(width: number): number {
  if (exactly(width, 7).digits[0]! < '3') {
    return decimals(width, 2);
  }
  // What is rounded up to a power of ten keeps the 0 after its 1.
  const isRaised = exactly(width, 1).digits[0] === '1';
  return decimals(width, 1) + (isRaised ? 1 : 0);
}

/** Return the decimals that leave *places* significant digits; may be negative. */
function decimals(value: number, places: number): number {
  return value === 0 ? 0 : places - 1 - exactly(value, places).exponent;
}

function significant(value: number, places: number): number {
  return value === 0 ? 0 : toNumber(value, exactly(value, places));
}

function round(value: number, places: number): number {
  if (value === 0) {
    return 0;
  }
  const { exponent } = exactly(value, 101);
  // Adding 0 turns a rounded -0 into 0.
  return toNumber(value, exactly(value, exponent + 1 + places)) + 0;
}

function digits(value: number, places: number): string {
  const rounded = round(value, places);
  // From 1e21 on, toFixed would answer in powers of ten.
  return Math.abs(rounded) < 1e21
    ? rounded.toFixed(Math.max(places, 0))
    : BigInt(rounded).toString();
}

interface IDecimal {
  digits: string;
  exponent: number;
}

function toNumber(value: number, shown: IDecimal): number {
  const size = Number(
    `${shown.digits}e${shown.exponent - shown.digits.length + 1}`
  );
  return value < 0 ? -size : size;
}

/**
 * Return the first *places* digits of a number other than 0, exact halves to even.
 *
 * #### Notes
 * `toFixed` and `toExponential` round exact halves up and Python rounds them to even, so
 * this starts from more digits than a half can have.
 */
function exactly(value: number, places: number): IDecimal {
  const [mantissa, power] = Math.abs(value).toExponential(100).split('e');
  const all = mantissa!.replace('.', '');
  const exponent = Number(power);
  if (places >= all.length) {
    return { digits: all, exponent };
  }
  if (places < 0) {
    return { digits: '0', exponent };
  }
  const kept = all.slice(0, places);
  const rest = all.slice(places);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const isOdd = Number(kept.slice(-1) || '0') % 2 === 1;
  if (rest < half || (rest === half && !isOdd)) {
    return { digits: kept || '0', exponent };
  }
  const raised = (BigInt(kept || '0') + 1n).toString();
  return raised.length > kept.length
    ? { digits: raised.slice(0, places) || '1', exponent: exponent + 1 }
    : { digits: raised, exponent };
}
