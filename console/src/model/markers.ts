// What happened to a broker, drawn into its graphs.
import { text } from '../text';
import type { Range } from './range';
import { duration } from './time';

/** Kinds of what happened, the most important first. */
export const MARKER_KINDS = [
  'failover',
  'fault',
  'outage',
  'restart',
  'failure',
  'maintenance',
  'alarm',
  'request',
] as const;
export type MarkerKind = (typeof MARKER_KINDS)[number];

/** The kinds that are drawn unless somebody chooses others. */
export const USUAL_KINDS: readonly MarkerKind[] = ['failover', 'fault', 'outage', 'failure', 'maintenance'];

/** Something that happened, in milliseconds since 1970. */
export interface Marker {
  kind: MarkerKind;
  at: number;
  /** When it was over; none: it was a moment, or lasts. */
  until?: number;
  /** What, in a few words. */
  title: string;
  /** More of it, for a person. */
  detail: string;
}

export interface BrokerEvent {
  at: string;
  kind: string;
  message: string;
}

export interface Fault {
  kind: string;
  state: string;
  startsAt: string;
  endsAt: string;
  endedAt?: string;
  instance?: number;
  zone?: string;
  reason?: string;
}

/** What lasted: a failover, a restart or an outage of a report. */
export interface Interruption {
  from: string;
  to?: string;
  seconds: number;
  cause: string;
  detail: string;
  state?: string;
  instance?: number;
  formerInstance?: number;
  successorInstance?: number;
}

export interface Happened {
  events?: readonly BrokerEvent[];
  faults?: readonly Fault[];
  failovers?: readonly Interruption[];
  restarts?: readonly Interruption[];
  outages?: readonly Interruption[];
}

const words = text.monitoring.markers;

/** A name such as `OUT_OF_MEMORY` in words: "out of memory". */
export function causeWords(cause: string): string {
  return cause.toLowerCase().replaceAll('_', ' ');
}

function ofEvent({ at, kind, message }: BrokerEvent): Marker | undefined {
  const found = kind === 'verdict' && message.startsWith('alarm ') ? 'alarm' : kind;
  switch (found) {
    case 'alarm':
    case 'failure':
    case 'failover':
    case 'maintenance':
    case 'request':
      return { kind: found, at: Date.parse(at), title: words.titles[found], detail: message };
    default:
      // Other verdicts say that all is well.
      return undefined;
  }
}

function ofFault(fault: Fault): Marker | undefined {
  // What waits has not happened.
  if (fault.state === 'PENDING') return undefined;
  const where =
    fault.instance !== undefined
      ? words.instance(fault.instance)
      : fault.zone !== undefined
        ? words.zone(fault.zone)
        : '';
  const title = words.fault(causeWords(fault.kind), where);
  const until = fault.endedAt === undefined ? undefined : Date.parse(fault.endedAt);
  return { kind: 'fault', at: Date.parse(fault.startsAt), until, title, detail: fault.reason ?? '' };
}

const ofInterruption =
  (kind: 'failover' | 'restart' | 'outage') =>
  (one: Interruption): Marker => {
    const title =
      kind === 'failover'
        ? words.failover(one.formerInstance, one.successorInstance, duration(one.seconds * 1000))
        : kind === 'restart'
          ? words.restart(one.instance, duration(one.seconds * 1000))
          : words.outage(one.state === 'UNKNOWN', duration(one.seconds * 1000));
    return {
      kind,
      at: Date.parse(one.from),
      until: one.to === undefined ? undefined : Date.parse(one.to),
      title,
      detail: `${causeWords(one.cause)}: ${one.detail}`,
    };
  };

/** What happened in a range, oldest first. Failovers are those of the report, which knows how long they took. */
export function markersOf(happened: Happened, range: Range, kinds: readonly MarkerKind[]): Marker[] {
  const { events = [], faults = [], failovers, restarts = [], outages = [] } = happened;
  const told = events.filter((event) => event.kind !== 'failover' || failovers === undefined);
  const all = [
    ...told.map(ofEvent),
    ...faults.map(ofFault),
    ...(failovers ?? []).map(ofInterruption('failover')),
    ...restarts.map(ofInterruption('restart')),
    ...outages.map(ofInterruption('outage')),
  ];
  return all
    .filter((one) => one !== undefined)
    .filter((one) => kinds.includes(one.kind) && one.at <= range.to && (one.until ?? one.at) >= range.from)
    .sort((one, other) => one.at - other.at);
}

/** A line in a graph. */
export interface Line {
  kind: MarkerKind;
  at: number;
  title: string;
}

/** The most lines that a graph still shows apart. */
export const MAX_LINES = 40;

/**
 * The lines of markers: where each begins, and of faults where each ends. What lies closer together than a period is
 * one line. Where there are too many, the most important and of these the newest stay.
 */
export function linesOf(markers: readonly Marker[], range: Range, periodSeconds: number): Line[] {
  const lines: Line[] = [];
  for (const { kind, at, until, title } of markers) {
    if (at >= range.from) lines.push({ kind, at, title });
    const isLong = until !== undefined && until - at > periodSeconds * 1000;
    if (kind === 'fault' && isLong && until <= range.to) lines.push({ kind, at: until, title: words.ended(title) });
  }
  const rank = (line: Line) => MARKER_KINDS.indexOf(line.kind);
  const kept = [...lines].sort((one, other) => rank(one) - rank(other) || other.at - one.at).slice(0, MAX_LINES);
  return merged(
    kept.sort((one, other) => one.at - other.at),
    periodSeconds,
  );
}

/** Lines of a kind that follow each other within a period are one: "Failover (3)". */
function merged(lines: readonly Line[], periodSeconds: number): Line[] {
  const groups: { line: Line; count: number }[] = [];
  for (const line of lines) {
    const group = groups.findLast((other) => other.line.kind === line.kind);
    if (group && line.at - group.line.at < periodSeconds * 1000) group.count += 1;
    else groups.push({ line, count: 1 });
  }
  return groups.map(({ line, count }) =>
    count === 1 ? line : { ...line, title: words.several(words.titles[line.kind], count) },
  );
}
