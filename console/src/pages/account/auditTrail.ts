// LookupEvents of CloudTrail.
import { target } from '../../api/services';
import type { PageOf } from '../../shared/usePages';

/** What can be asked for, one at a time. */
export const ATTRIBUTES = [
  'EventName',
  'Username',
  'ResourceName',
  'ResourceType',
  'EventSource',
  'AccessKeyId',
  'ReadOnly',
  'EventId',
] as const;
export const PERIODS = ['hour', 'day', 'week', 'month', 'all'] as const;

export interface Filter {
  attribute?: (typeof ATTRIBUTES)[number] | undefined;
  value: string;
  period: (typeof PERIODS)[number];
}

export interface AuditEvent {
  id: string;
  name: string;
  at: Date;
  source: string;
  who: string | undefined;
  resources: string[];
  /** The whole event, JSON. */
  record: string;
}

interface EventView {
  EventId: string;
  EventName: string;
  EventTime: number;
  EventSource: string;
  Username?: string;
  Resources?: { ResourceName?: string; ResourceType?: string }[];
  CloudTrailEvent: string;
}

const SECONDS: Record<Exclude<Filter['period'], 'all'>, number> = {
  hour: 3_600,
  day: 86_400,
  week: 604_800,
  month: 2_592_000,
};
/** How many events are wanted on a page. */
const ENOUGH = 25;
/** How many empty parts of the trail are passed over at once. */
const MAX_PARTS = 20;

/** A page of events, the newest first. Parts of the trail in which nothing fits are passed over. */
export async function lookUp(filter: Filter, token: string | undefined): Promise<PageOf<AuditEvent>> {
  const { attribute, value, period } = filter;
  // The pages of a list have to be of one period.
  const [kept, since] = token?.split('|', 2) ?? [];
  const start = since ?? (period === 'all' ? '' : String(Math.floor(Date.now() / 1000) - SECONDS[period]));
  let next = kept || undefined;
  const items: AuditEvent[] = [];
  for (let part = 0; part < MAX_PARTS; part += 1) {
    const page: { Events: EventView[]; NextToken?: string } = await target('cloudtrail', 'LookupEvents', {
      MaxResults: ENOUGH,
      ...(attribute ? { LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value.trim() }] } : {}),
      ...(start ? { StartTime: Number(start) } : {}),
      ...(next ? { NextToken: next } : {}),
    });
    items.push(...page.Events.map(shown));
    next = page.NextToken;
    if (!next || items.length >= ENOUGH / 2) break;
  }
  return { items, next: next && `${next}|${start}` };
}

function shown(event: EventView): AuditEvent {
  return {
    id: event.EventId,
    name: event.EventName,
    at: new Date(event.EventTime * 1000),
    source: event.EventSource,
    who: event.Username,
    resources: (event.Resources ?? []).flatMap(({ ResourceName }) => ResourceName ?? []),
    record: event.CloudTrailEvent,
  };
}
