// Values of metrics in words.

/** The units of brokers' metrics. `CountPerSecond` is a count whose value is of a second. */
export type Unit = 'Count' | 'CountPerSecond' | 'Bytes' | 'Percent' | 'Milliseconds';

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const exact = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** The unit in which a number of bytes is told, by how often 1024 is in it. */
function bytesUnit(value: number): number {
  let unit = 0;
  while (Math.abs(value) >= 1024 ** (unit + 1) && unit < BYTES.length - 1) unit += 1;
  return unit;
}

/** A number of bytes: "1.5 GiB". */
export function bytes(value: number): string {
  const unit = bytesUnit(value);
  const size = value / 1024 ** unit;
  const digits = unit === 0 || Math.abs(size) >= 100 ? 0 : 1;
  return `${Number(size.toFixed(digits))} ${BYTES[unit]}`;
}

/** An axis: what its values are divided by, and the words of its marks. */
export interface Axis {
  divisor: number;
  tick: (divided: number) => string;
}

/** The axis for values up to a largest one. Bytes are divided, so that marks are whole numbers of their unit. */
export function axisOf(unit: Unit, largest: number): Axis {
  if (unit !== 'Bytes') return { divisor: 1, tick: (value) => tick(value, unit) };
  const power = bytesUnit(largest);
  return { divisor: 1024 ** power, tick: (value) => `${short.format(value)} ${BYTES[power]}` };
}

/** A value with its unit, exact enough to compare: "1,234.5", "12.3%". */
export function amount(value: number, unit: Unit): string {
  switch (unit) {
    case 'Bytes':
      return bytes(value);
    case 'Percent':
      return `${exact.format(value)}%`;
    case 'Milliseconds':
      return `${exact.format(value)} ms`;
    case 'CountPerSecond':
      return `${exact.format(value)}/s`;
    case 'Count':
      return exact.format(value);
  }
}

/** A value for the mark of an axis, where there is little space: "1.2K". */
function tick(value: number, unit: Exclude<Unit, 'Bytes'>): string {
  switch (unit) {
    case 'Percent':
      return `${exact.format(value)}%`;
    case 'Milliseconds':
      return `${short.format(value)} ms`;
    case 'CountPerSecond':
      return `${short.format(value)}/s`;
    case 'Count':
      return short.format(value);
  }
}

/** A whole number with separators. What is not known is a dash. */
export function whole(value: number | undefined): string {
  return value === undefined ? '–' : exact.format(value);
}

/** A rate: "12.5/s". What is not known is a dash. */
export function rate(value: number | undefined): string {
  return value === undefined ? '–' : `${new Intl.NumberFormat('en', { maximumFractionDigits: 1 }).format(value)}/s`;
}
