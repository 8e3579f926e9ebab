// The weekly window of two hours, in the broker's zone and in the viewer's.

export interface Window {
  dayOfWeek: string;
  timeOfDay: string;
  timeZone?: string | null;
}

/** How long a window is open, in milliseconds. */
export const WINDOW_MS = 2 * 3_600_000;
export const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
const DAY_MS = 86_400_000;
const OFFSET = /^(?:UTC)?([+-])(\d{1,2})(?::(\d{2}))?$/;

/** The fixed offset of `+02:00`, `-3` or `UTC+3`, in milliseconds; undefined: a name of the IANA database. */
function fixedOffset(zone: string): number | undefined {
  const found = OFFSET.exec(zone);
  if (!found) return undefined;
  const minutes = Number(found[2]) * 60 + Number(found[3] ?? 0);
  return (found[1] === '-' ? -1 : 1) * minutes * 60_000;
}

/** Whether this browser can tell the time in a zone. */
export function isZone(zone: string): boolean {
  const offset = fixedOffset(zone);
  if (offset !== undefined) return Math.abs(offset) <= 14 * 3_600_000;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** What a zone's clocks show at a moment, as if it were UTC. */
function localTime(moment: number, zone: string): number {
  const offset = fixedOffset(zone);
  if (offset !== undefined) return moment + offset;
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(moment);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(value('year'), value('month') - 1, value('day'), value('hour'), value('minute'), value('second'));
}

/** The moment at which a zone's clocks show a time first; the end of the gap if they skip it. */
function momentOf(local: number, zone: string): number {
  const before = local - (localTime(local - DAY_MS, zone) - (local - DAY_MS));
  const after = local - (localTime(local + DAY_MS, zone) - (local + DAY_MS));
  const showing = [before, after].filter((moment) => localTime(moment, zone) === local);
  if (showing.length) return Math.min(...showing);
  let [from, to] = [Math.min(before, after), Math.max(before, after)];
  while (to - from > 1000) {
    const middle = from + Math.floor((to - from) / 2000) * 1000;
    if (localTime(middle, zone) < local) from = middle;
    else to = middle;
  }
  return to;
}

/** When the window opens next after a moment, in milliseconds; undefined: the window is not well-formed. */
export function nextOpening(window: Window, now: number): number | undefined {
  const day = DAYS.indexOf(window.dayOfWeek.toUpperCase() as (typeof DAYS)[number]);
  const time = /^(\d{1,2}):(\d{2})$/.exec(window.timeOfDay);
  const zone = window.timeZone ?? 'UTC';
  if (day < 0 || !time || Number(time[1]) > 23 || Number(time[2]) > 59 || !isZone(zone)) return undefined;
  const today = Math.floor(localTime(now, zone) / DAY_MS);
  for (let ahead = -1; ahead <= 8; ahead += 1) {
    const date = today + ahead;
    // Day 0 of the epoch was a Thursday, the fourth of DAYS.
    if ((((date + 3) % 7) + 7) % 7 !== day) continue;
    const moment = momentOf(date * DAY_MS + Number(time[1]) * 3_600_000 + Number(time[2]) * 60_000, zone);
    if (moment > now) return moment;
  }
  return undefined;
}

/** The end of the window that is open at a moment; undefined: it is closed. */
export function openUntil(window: Window, now: number): number | undefined {
  const opened = nextOpening(window, now - WINDOW_MS);
  return opened !== undefined && opened <= now ? opened + WINDOW_MS : undefined;
}

/** A zone as `Intl` takes it: offsets are written in full. */
function intlZone(zone: string): { timeZone: string; shift: number } {
  const offset = fixedOffset(zone);
  // Not every browser takes offsets as zones.
  return offset === undefined ? { timeZone: zone, shift: 0 } : { timeZone: 'UTC', shift: offset };
}

/** A window that opens at a moment, on the clocks of a zone: "Tuesday 06:31–08:31". */
export function windowText(opens: number, zone: string): string {
  const { timeZone, shift } = intlZone(zone);
  const day = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone });
  const hour = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone });
  const at = (moment: number) => hour.format(moment + shift);
  return `${day.format(opens + shift)} ${at(opens)}–${at(opens + WINDOW_MS)}`;
}

/** A moment on the clocks of a zone: "Tuesday, 1 December, 06:31". */
export function momentText(moment: number, zone: string): string {
  const { timeZone, shift } = intlZone(zone);
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
  }).format(moment + shift);
}
