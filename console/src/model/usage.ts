// What an account uses, in words and in periods.

/** The date at which a month began that is some months ago, in UTC: `2026-06-01`. */
export function monthsAgo(now: Date, months: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 10);
}

/** The month of a moment, in UTC: `2026-06`. */
export function monthOf(moment: string): string {
  return new Date(moment).toISOString().slice(0, 7);
}

/** How much of a quota is used, in percent, at most 100; undefined: there is no quota. */
export function share(used: number, quota: number | undefined): number | undefined {
  if (quota === undefined) return undefined;
  return quota === 0 ? 100 : Math.min(100, (used / quota) * 100);
}

/** An amount of MiB or GiB in its largest unit. */
export function amount(value: number, unit: 'MiB' | 'GiB'): string {
  const units = ['MiB', 'GiB', 'TiB'];
  let at = units.indexOf(unit);
  let left = value;
  while (left >= 1024 && at < units.length - 1) {
    left /= 1024;
    at += 1;
  }
  return `${Number(left.toFixed(1))} ${units[at]}`;
}
