// Lines of logs: their order, their levels, their names.

/** An event of FilterLogEvents. Times are milliseconds since 1970. */
export interface LogLine {
  eventId: string;
  logStreamName: string;
  timestamp: number;
  message: string;
}

/** Lines that are kept, oldest first, and how many older ones were dropped. */
export interface Kept {
  lines: readonly LogLine[];
  dropped: number;
}

/**
 * Adds lines that are not there yet. Lines of several instances come with a delay of their own, so new ones may belong
 * before the last ones. Of more than `most` lines the newest stay.
 */
export function added(kept: Kept, events: readonly LogLine[], most: number): Kept {
  const first = events[0];
  if (!first) return kept;
  const earliest = events.reduce((least, { timestamp }) => Math.min(least, timestamp), first.timestamp);
  // Only the end can have what is new, and what is there twice.
  let from = kept.lines.length;
  while (from > 0 && (kept.lines[from - 1] as LogLine).timestamp >= earliest) from -= 1;
  const end = kept.lines.slice(from);
  const known = new Set(end.map(({ eventId }) => eventId));
  const fresh = events.filter(({ eventId }) => !known.has(eventId) && known.add(eventId));
  if (fresh.length === 0) return kept;
  // Sorting is stable: lines of a millisecond stay in the order in which they came.
  const sorted = [...end, ...fresh].sort((one, other) => one.timestamp - other.timestamp);
  const lines = [...kept.lines.slice(0, from), ...sorted];
  const excess = Math.max(0, lines.length - most);
  return { lines: excess ? lines.slice(excess) : lines, dropped: kept.dropped + excess };
}

export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

const LEVELS: [LogLevel, RegExp][] = [
  ['error', /\[(?:error|critical|alert|emergency)\]|^\S*\s*(?:ERROR|FATAL)\b/],
  ['warning', /\[warning\]|^\S*\s*WARN(?:ING)?\b/],
  ['info', /\[(?:info|notice)\]|^\S*\s*INFO\b/],
  ['debug', /\[debug\]|^\S*\s*(?:DEBUG|TRACE)\b/],
];
/** The level stands at the beginning of a line. */
const BEGINNING = 80;

/** The level of a line, as RabbitMQ (`[error]`) and ActiveMQ (`ERROR`) print it; none: it continues the line before. */
export function levelOf(message: string): LogLevel | undefined {
  const beginning = message.slice(0, BEGINNING);
  return LEVELS.find(([, pattern]) => pattern.test(beginning))?.[0];
}

const PRINTED_TIME = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?\s+/;

/** A line without the time that it begins with, which is shown beside it. */
export function withoutTime(message: string): string {
  return message.replace(PRINTED_TIME, '');
}

/** The instance of a stream `rabbitmq-<broker-id>-2.log`; none: it is named otherwise. */
export function instanceOf(stream: string): number | undefined {
  const found = /-(\d+)\.log$/.exec(stream)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The end of a group's name, which tells what is in it: `general`. */
export function groupKind(group: string): string {
  return group.split('/').pop() ?? group;
}

/** Lines as a file: what was printed, with the time in UTC where the line has none. */
export function asFile(lines: readonly LogLine[]): string {
  const one = ({ timestamp, message }: LogLine) =>
    PRINTED_TIME.test(message) ? message : `${new Date(timestamp).toISOString()} ${message}`;
  return lines.map((line) => `${one(line)}\n`).join('');
}
