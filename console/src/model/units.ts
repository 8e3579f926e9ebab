// Values of metrics in words.

/** The units of brokers' metrics. `CountPerSecond` is a count whose value is of a second. */
export type Unit = 'Count' | 'CountPerSecond' | 'Bytes' | 'Percent' | 'Milliseconds';

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const exact = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A number of bytes: "1.5 GiB". */
export function bytes(value: number): string {
  let size = Math.abs(value);
  let unit = 0;
  while (size >= 1024 && unit < BYTES.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${value < 0 ? '-' : ''}${Number(size.toFixed(digits))} ${BYTES[unit]}`;
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
export function tick(value: number, unit: Unit): string {
  switch (unit) {
    case 'Bytes':
      return bytes(value);
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
