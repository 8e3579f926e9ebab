// Quotas of accounts, as they are entered and shown.

/** What an account may have. What is absent is not limited. */
export interface Quotas {
  brokers?: number;
  memoryMib?: number;
  storageGib?: number;
  apiRate?: number;
}

export const QUOTAS = ['brokers', 'memoryMib', 'storageGib', 'apiRate'] as const;
export type QuotaName = (typeof QUOTAS)[number];
/** As the server says. */
const MOST = 2_147_483_647;

/** What was entered: nothing is no limit; `undefined` in the place of the whole: it is no number that may be one. */
export function quotaIn(name: QuotaName, entered: string): { value?: number } | undefined {
  const text = entered.trim().replace(/[ ,]/g, '');
  if (text === '') return {};
  const least = name === 'apiRate' ? 1 : 0;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= MOST ? { value } : undefined;
}

/** How much of a quota is used, in percent; `undefined`: there is none. */
export function share(used: number, quota: number | undefined): number | undefined {
  if (quota === undefined) return undefined;
  if (quota === 0) return used > 0 ? 100 : 0;
  return Math.min(100, Math.round((used / quota) * 100));
}

/** A size in its largest unit, of 1,024 each: "1.5 GiB". */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0)).toLocaleString('en')} ${units[at]}`;
}
