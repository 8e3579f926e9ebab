// The history of a broker: its events, joined to what they belong to, with causes and lengths from its report.
import type { Schemas } from '../api/client';

type Event = Schemas['EventView'];
type Report = Pick<Schemas['GetBrokerReportResponse'], 'outages' | 'failovers' | 'restarts'>;

/** What a chapter is about. */
export type Topic = 'request' | 'work' | 'trouble' | 'failover' | 'fault' | 'maintenance' | 'news';

/** How a chapter ended. */
export type Outcome = 'done' | 'failed' | 'going-on' | 'told';

/** Something that happened, with the passes that belong to it. */
export interface Chapter {
  /** Stays the same while the chapter grows. */
  id: string;
  topic: Topic;
  outcome: Outcome;
  at: string;
  /** The end of what takes time; none: it goes on, or takes none. */
  end?: string;
  sentence: string;
  /** What followed, oldest first. */
  steps: Event[];
  /** For how long clients were not served, as far as the report knows. */
  outages: { seconds: number; cause: string; detail: string; isOver: boolean }[];
}

const WORK = /^(CreateBroker|RebootBroker|DeleteBroker) accepted/;
/** Earlier versions of brokerd wrote `is over`. */
const FAULT = /^fault (\S+) (accepted|started|ended|is over)\b:? ?(.*)/;
/** The sentences of passes that find everything as it should be. */
const WELL = /^(every endpoint answers|all \d+ nodes serve|instance \d+ serves, the other one stands by)$/;
/** Events that neither begin nor end anything. */
const NEWS = /^(link (down|up)|alarm )|^[A-Z_]+ is (raised|cleared)|^(ActiveMQ|RabbitMQ) \S+ serves \(/;
const GIVEN_UP = /^(creation failed|the pending changes are not applied)/;
/** Times of the report and of events are taken by different clocks of one pass, this far apart at most. */
const SAME_MS = 3_000;

const time = (text: string) => Date.parse(text);

/** The history, newest first. `events` are newest first, as the server lists them. */
export function timeline(events: Event[], report?: Report): Chapter[] {
  const chapters: Chapter[] = [];
  const faults = new Map<string, Chapter>();
  let open: Chapter | undefined;
  const begin = (event: Event, topic: Topic, outcome: Outcome): Chapter => {
    const count = chapters.filter((chapter) => chapter.at === event.at).length;
    const { at, message: sentence } = event;
    const chapter: Chapter = { id: `${at}#${count}`, topic, outcome, at, sentence, steps: [], outages: [] };
    chapters.push(chapter);
    return chapter;
  };
  const close = (outcome: Outcome, end: string) => {
    if (!open) return;
    // After changes were given up, the broker is brought back; that does not undo the failure.
    open.outcome = open.steps.some((step) => GIVEN_UP.test(step.message)) ? 'failed' : outcome;
    open.end = end;
    open = undefined;
  };
  for (const event of [...events].reverse()) {
    const { kind, message, at } = event;
    const fault = FAULT.exec(message);
    if (fault) {
      const [, id = '', what = ''] = fault;
      const known = faults.get(id);
      if (known) known.steps.push(event);
      const chapter = known ?? begin(event, 'fault', 'going-on');
      faults.set(id, chapter);
      if (what === 'ended' || what === 'is over') Object.assign(chapter, { outcome: 'done', end: at });
    } else if (kind === 'maintenance' || WORK.test(message)) {
      // What was under way is part of the new work now.
      if (open) open.outcome = 'told';
      open = begin(event, kind === 'maintenance' ? 'maintenance' : 'work', 'going-on');
    } else if (kind === 'request' || NEWS.test(message)) {
      // An engine that comes to serve belongs to what it was started for.
      if (open && kind === 'verdict') open.steps.push(event);
      else begin(event, kind === 'request' ? 'request' : kind === 'failure' ? 'trouble' : 'news', 'told');
    } else if (WELL.test(message)) {
      if (open) open.steps.push(event);
      else begin(event, 'news', 'told');
      close('done', at);
    } else if (GIVEN_UP.test(message)) {
      if (open) open.steps.push(event);
      else open = begin(event, 'trouble', 'failed');
      if (message.startsWith('creation')) close('failed', at);
      else open.outcome = 'failed';
    } else if (open) {
      open.steps.push(event);
      if (kind === 'failover' && open.topic === 'trouble') open.topic = 'failover';
    } else {
      open = begin(event, kind === 'failover' ? 'failover' : 'trouble', 'going-on');
    }
  }
  if (report) attach(chapters, report);
  return chapters.reverse();
}

/** Gives each outage to the newest chapter that it falls into; what falls into none is a chapter of its own. */
function attach(chapters: Chapter[], report: Report): void {
  for (const outage of report.outages) {
    const from = time(outage.from);
    const into = chapters.findLast((chapter) => {
      if (!['work', 'maintenance', 'trouble', 'failover'].includes(chapter.topic)) return false;
      const end = chapter.end ? time(chapter.end) : chapter.outcome === 'going-on' ? Infinity : time(chapter.at);
      return time(chapter.at) - SAME_MS <= from && from <= end + SAME_MS;
    });
    const { seconds, cause, detail } = outage;
    const known = { seconds, cause, detail, isOver: outage.to !== undefined };
    if (into) into.outages.push(known);
    else {
      const chapter: Chapter = {
        id: `outage ${outage.from}`,
        topic: 'trouble',
        outcome: outage.to ? 'done' : 'going-on',
        at: outage.from,
        sentence: detail,
        steps: [],
        outages: [known],
        ...(outage.to ? { end: outage.to } : {}),
      };
      // Older than all events that are shown, it would be a hole in the history.
      const oldest = chapters[0];
      if (oldest && from >= time(oldest.at)) {
        chapters.splice(chapters.findLastIndex((other) => time(other.at) <= from) + 1, 0, chapter);
      }
    }
  }
}

/** How long a chapter took, or takes so far, in milliseconds; none: it takes no time. */
export function length(chapter: Chapter, now: number): number | undefined {
  if (chapter.end) return time(chapter.end) - time(chapter.at);
  return chapter.outcome === 'going-on' ? Math.max(0, now - time(chapter.at)) : undefined;
}
