// Months of reports, in UTC.

/** A month: "2026-11". */
export type Month = string;

/** The months from a moment to another, the newest first, at most so many. */
export function months(from: Date, to: Date, most: number): Month[] {
  const all: Month[] = [];
  let [year, month] = [to.getUTCFullYear(), to.getUTCMonth()];
  const first = from.getUTCFullYear() * 12 + from.getUTCMonth();
  while (all.length < most && (year * 12 + month >= first || all.length === 0)) {
    all.push(`${year}-${String(month + 1).padStart(2, '0')}`);
    [year, month] = month === 0 ? [year - 1, 11] : [year, month - 1];
  }
  return all;
}

/** The dates between which a month lies; the second does not belong to it. */
export function boundsOf(month: Month): { from: string; to: string } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
  return { from: `${month}-01`, to: `${next}-01` };
}

const names = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** A month in words: "November 2026". */
export function monthWords(month: Month): string {
  return names.format(new Date(`${month}-01T00:00:00Z`));
}

const days = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** The day of a moment in UTC: "Nov 3". */
export function dayWords(moment: string): string {
  return days.format(new Date(moment));
}

/** An amount of money, as exact as the server tells it: "USD 12.30". What is not known is a dash. */
export function money(currency: string, value: string | undefined): string {
  return value === undefined ? '–' : `${currency} ${value}`;
}

/** A percentage as the server tells it, which has rounded it down: "99.9931%". */
export function percent(value: string | undefined): string {
  if (value === undefined) return '–';
  return `${value.replace(/\.(\d*?)0+$/, (_, digits: string) => (digits ? `.${digits}` : ''))}%`;
}
