// What is read of a broker. Events of the server make it stale.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { keys } from '../../shell/live';

const DAY_MS = 86_400_000;
/** How far back causes and lengths of outages are asked for. */
const REPORT_DAYS = 30;
/** While something is under way each pass may be news, in milliseconds. */
const UNDER_WAY_MS = 2_000;

const path = (id: string) => ({ path: { 'broker-id': id } });
const isUnderWay = (state: string | undefined) => state?.endsWith('_IN_PROGRESS') ?? false;
/** Passes change the verdict, not the broker: no event of the server tells of each. */
const interval = (state: string | undefined) => (isUnderWay(state) ? UNDER_WAY_MS : (false as const));

export function useBroker(id: string) {
  return useQuery({
    queryKey: [keys.broker, id, 'describe'],
    queryFn: () => answer(api.GET('/v1/brokers/{broker-id}', { params: path(id) })),
    refetchInterval: (query) => interval(query.state.data?.brokerState),
  });
}

/** What DescribeBroker does not tell; `state` is the broker's. */
export function useInspection(id: string, state: string | undefined) {
  return useQuery({
    queryKey: [keys.broker, id, 'inspect'],
    queryFn: () => answer(api.GET('/brokerd/v1/brokers/{broker-id}', { params: path(id) })),
    enabled: state !== undefined,
    refetchInterval: interval(state),
  });
}

/** The events, newest first: the last hundred, then as many older ones at a time. */
export function useEvents(id: string, state: string) {
  return useInfiniteQuery({
    queryKey: [keys.broker, id, 'events'],
    queryFn: ({ pageParam }) => {
      const query = { maxResults: 100, ...(pageParam ? { nextToken: pageParam } : {}) };
      return answer(api.GET('/brokerd/v1/brokers/{broker-id}/events', { params: { ...path(id), query } }));
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.nextToken,
    refetchInterval: interval(state),
  });
}

/** Causes and lengths of outages; the history is shown without them until they are there. */
export function useOutages(id: string) {
  return useQuery({
    queryKey: [keys.broker, id, 'outages'],
    queryFn: async () => {
      const from = new Date(Date.now() - REPORT_DAYS * DAY_MS).toISOString();
      const report = await answer(
        api.GET('/brokerd/v1/brokers/{broker-id}/report', { params: { ...path(id), query: { from } } }),
      );
      // Only asked for as CSV it is a text.
      return typeof report === 'string' ? null : report;
    },
  });
}

/** The versions behind the offered ones, with their advisories. */
export function useEngineVersions() {
  return useQuery({
    queryKey: ['engine-versions', 'broker'],
    queryFn: () => answer(api.GET('/brokerd/v1/engine-versions')),
    staleTime: 60_000,
  });
}

export function useUser(id: string, username: string | undefined) {
  return useQuery({
    queryKey: [keys.broker, id, 'user', username],
    queryFn: () => readUser(id, username ?? ''),
    enabled: username !== undefined,
  });
}

export const readUser = (id: string, username: string) =>
  answer(api.GET('/v1/brokers/{broker-id}/users/{username}', { params: { path: { 'broker-id': id, username } } }));
