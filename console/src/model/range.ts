// Spans of time that graphs show, and the periods that fit them.

/** A span of time, in milliseconds since 1970. */
export interface Range {
  from: number;
  to: number;
}

/** What a person has chosen: the time until now, or a time between two moments. */
export type RangeChoice = { kind: 'relative'; minutes: number } | { kind: 'absolute'; from: number; to: number };

const HOUR = 60;
const DAY = 24 * HOUR;

/** The spans that are offered, in minutes. The longest is as long as metrics are kept. */
export const SPANS = [15, HOUR, 3 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 28 * DAY, 91 * DAY, 455 * DAY] as const;

/** The usual span, in minutes. */
const USUAL_SPAN = 180;

/** The span that is shown first: a broker that is younger than the usual one fills a shorter one. Times in milliseconds. */
export function firstSpan(created: number, now: number): number {
  const age = (now - created) / 60_000;
  return SPANS.find((minutes) => minutes >= age && minutes < USUAL_SPAN) ?? USUAL_SPAN;
}

/** The longest span that can be asked for, in minutes. */
export const MAX_SPAN = 455 * DAY;

/** The periods that are offered, in seconds. */
export const PERIODS = [60, 300, 900, 3_600, 10_800, 21_600, 86_400] as const;

/** So many points of a line can be told apart. */
const READABLE_POINTS = 300;
/** So many points of a line are still drawn without delay. */
const MAX_POINTS = 1_500;

/** How long values of a period are kept, in minutes. Source: docs/broker-metrics.md, "Kept", the defaults. */
const KEPT: [period: number, minutes: number][] = [
  [60, DAY],
  [300, 15 * DAY],
];

/** The shortest period of which there are still values at a moment, in seconds. */
function shortestKept(from: number, now: number): number {
  const age = (now - from) / 60_000;
  // A minute's grace: a range that was chosen as a day is not older than a day.
  return KEPT.find(([, minutes]) => age <= minutes + 1)?.[0] ?? 3_600;
}

/** The range of a choice. */
export function rangeOf(choice: RangeChoice, now: number): Range {
  if (choice.kind === 'absolute') return { from: choice.from, to: choice.to };
  return { from: now - choice.minutes * 60_000, to: now };
}

/** The periods in which values of a range can be had, in seconds, without those that are longer than the range. */
export function periodsOf(range: Range, now: number): number[] {
  const seconds = (range.to - range.from) / 1000;
  const shortest = shortestKept(range.from, now);
  const fitting = PERIODS.filter(
    (period) => period >= shortest && seconds / period <= MAX_POINTS && period * 2 <= Math.max(seconds, 120),
  );
  return fitting.length ? fitting : [Math.max(shortest, 60)];
}

/** The shortest period whose points can be told apart. */
export function fittingPeriod(range: Range, now: number): number {
  const seconds = (range.to - range.from) / 1000;
  const possible = periodsOf(range, now);
  return possible.find((period) => seconds / period <= READABLE_POINTS) ?? possible.at(-1) ?? 60;
}

/** The range from the beginning of a period on, so that periods stay the same from one minute to the next. */
export function aligned(range: Range, period: number): Range {
  const length = period * 1000;
  const to = Math.ceil(range.to / 60_000) * 60_000;
  return { from: Math.floor(range.from / length) * length, to: Math.max(to, range.from + 60_000) };
}

const UNITS: [string, number][] = [
  ['day', DAY],
  ['hour', HOUR],
  ['minute', 1],
];

/** A span in words, of minutes: "15 minutes", "1 day". */
export function spanWords(minutes: number): string {
  const [unit, size] = UNITS.find(([, size]) => minutes % size === 0) ?? ['minute', 1];
  const count = minutes / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** The marks of a time axis: times within a day, otherwise dates. */
export function tickWords(range: Range): (at: Date) => string {
  const length = range.to - range.from;
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
  const date = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
  const dated = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric' });
  if (length > 200 * DAY * 60_000) return (at) => dated.format(at);
  if (length > 4 * DAY * 60_000) return (at) => date.format(at);
  if (length <= 12 * HOUR * 60_000) return (at) => time.format(at);
  // The day stands under the time, which may be of another one.
  return (at) => `${time.format(at)}\n${date.format(at)}`;
}
