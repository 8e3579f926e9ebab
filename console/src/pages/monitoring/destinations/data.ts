// Queues and topics, as the broker tells of them now.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { json } from '../../../api/client';
import type { Broker } from '../graphs/data';

export type Kind = 'QUEUE' | 'TOPIC';

/** What names a destination. */
export interface Name {
  kind: Kind;
  name: string;
  virtualHost?: string;
}

/** A queue or a topic. What its engine does not tell is absent. */
export interface Destination extends Name {
  queueType?: string;
  ready?: number;
  unacknowledged?: number;
  consumers?: number;
  producers?: number;
  publishRate?: number;
  deliverRate?: number;
  acknowledgeRate?: number;
  node?: string;
}

interface Page {
  destinations: Destination[];
  sampledAt: string;
  nextToken?: string;
}

export interface Message {
  position: number;
  messageId?: string;
  correlationId?: string;
  redelivered: boolean;
  priority?: number;
  timestamp?: string;
  expiration?: string;
  contentType?: string;
  persistent?: boolean;
  properties: Record<string, string | number | boolean>;
  size: number;
  body: string;
  bodyEncoding: 'TEXT' | 'BASE64';
  isTruncated: boolean;
}

/** Which destinations are listed. */
export interface Filter {
  kind: Kind | undefined;
  nameContains: string;
  virtualHost: string;
  includeInternal: boolean;
}

export const PER_PAGE = 50;
const REFRESHED_MS = 5_000;

const path = (broker: Broker) => `/brokerd/v1/brokers/${encodeURIComponent(broker.brokerId)}/destinations`;

/** The first part of the keys of a broker's destinations. */
export const destinationsKey = (broker: Broker) => ['destinations', broker.brokerId];

/** A page of destinations, read anew every five seconds while it is seen. */
export function useDestinations(broker: Broker, filter: Filter, token: string | undefined) {
  return useQuery({
    queryKey: [...destinationsKey(broker), filter, token],
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ maxResults: String(PER_PAGE) });
      if (filter.kind) query.set('kind', filter.kind);
      if (filter.nameContains) query.set('nameContains', filter.nameContains);
      if (filter.virtualHost) query.set('virtualHost', filter.virtualHost);
      if (filter.includeInternal) query.set('includeInternal', 'true');
      if (token) query.set('nextToken', token);
      return json<Page>('GET', `${path(broker)}?${query}`, undefined, signal);
    },
    placeholderData: keepPreviousData,
    // What is refused stays refused: it is not asked again every five seconds.
    refetchInterval: ({ state }) => (state.status === 'error' && !isPassing(state.error) ? false : REFRESHED_MS),
  });
}

const isPassing = (error: unknown) => (error as { isPassing?: boolean } | null)?.isPassing === true;

/** A destination's name, without what else is known of it. */
export const nameOf = ({ kind, name, virtualHost }: Name): Name => ({
  kind,
  name,
  ...(virtualHost === undefined ? {} : { virtualHost }),
});

interface Browsed {
  messages: Message[];
  marksRedelivered?: boolean;
}

/** Messages of a destination, which stay there. */
export function useMessages(broker: Broker, destination: Name, maxResults: number) {
  return useQuery({
    queryKey: ['messages', broker.brokerId, nameOf(destination), maxResults],
    queryFn: ({ signal }) =>
      json<Browsed>('POST', `${path(broker)}/browse`, { ...nameOf(destination), maxResults }, signal),
    // Looking again may mark messages as redelivered, so it is done only when it is asked for.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

export interface Publication extends Name {
  body: string;
  bodyEncoding: 'TEXT' | 'BASE64';
  contentType?: string;
  properties?: Record<string, string | number | boolean>;
  persistent: boolean;
}

export const publish = (broker: Broker, message: Publication) =>
  json<{ isRouted: boolean }>('POST', `${path(broker)}/publish`, message);
export const purge = (broker: Broker, destination: Name) =>
  json<{ purged?: number }>('POST', `${path(broker)}/purge`, nameOf(destination));
export const remove = (broker: Broker, destination: Name) =>
  json<unknown>('POST', `${path(broker)}/delete`, nameOf(destination));
