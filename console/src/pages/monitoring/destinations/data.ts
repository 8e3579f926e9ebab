// Queues and topics, as the broker tells of them now.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../../api/client';
import type { Broker } from '../graphs/data';

/** A queue or a topic. What its engine does not tell is absent. */
export type Destination = Schemas['Destination'];
export type Kind = Destination['kind'];
export type Message = Schemas['BrowsedMessage'];
/** What names a destination. */
export type Name = Pick<Destination, 'kind' | 'name' | 'virtualHost'>;

/** Which destinations are listed. */
export interface Filter {
  kind: Kind | undefined;
  nameContains: string;
  virtualHost: string;
  includeInternal: boolean;
}

export const PER_PAGE = 50;
const REFRESHED_MS = 5_000;

const path = (broker: Broker) => ({ path: { 'broker-id': broker.brokerId } });

/** The first part of the keys of a broker's destinations. */
export const destinationsKey = (broker: Broker) => ['destinations', broker.brokerId];

/** A page of destinations, read anew every five seconds while it is seen. */
export function useDestinations(broker: Broker, filter: Filter, token: string | undefined) {
  return useQuery({
    queryKey: [...destinationsKey(broker), filter, token],
    queryFn: ({ signal }) => {
      const { kind, nameContains, virtualHost, includeInternal } = filter;
      const query = {
        maxResults: PER_PAGE,
        ...(kind ? { kind } : {}),
        ...(nameContains ? { nameContains } : {}),
        ...(virtualHost ? { virtualHost } : {}),
        ...(includeInternal ? { includeInternal: 'true' } : {}),
        ...(token ? { nextToken: token } : {}),
      };
      const params = { ...path(broker), query };
      return answer(api.GET('/brokerd/v1/brokers/{broker-id}/destinations', { params, signal }));
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

/** Messages of a destination, which stay there. */
export function useMessages(broker: Broker, destination: Name, maxResults: number) {
  return useQuery({
    queryKey: ['messages', broker.brokerId, nameOf(destination), maxResults],
    queryFn: ({ signal }) =>
      answer(
        api.POST('/brokerd/v1/brokers/{broker-id}/destinations/browse', {
          params: path(broker),
          body: { ...nameOf(destination), maxResults },
          signal,
        }),
      ),
    // Looking again may mark messages as redelivered, so it is done only when it is asked for: neither when all that is
    // known becomes stale, as after an interruption, nor when a look has failed, which may have marked them already.
    staleTime: 'static',
    retry: false,
    gcTime: 0,
  });
}

export const publish = (broker: Broker, body: Schemas['PublishToDestinationRequest']) =>
  answer(api.POST('/brokerd/v1/brokers/{broker-id}/destinations/publish', { params: path(broker), body }));

export const purge = (broker: Broker, destination: Name) =>
  answer(
    api.POST('/brokerd/v1/brokers/{broker-id}/destinations/purge', {
      params: path(broker),
      body: nameOf(destination),
    }),
  );

export const remove = (broker: Broker, destination: Name) =>
  answer(
    api.POST('/brokerd/v1/brokers/{broker-id}/destinations/delete', {
      params: path(broker),
      body: nameOf(destination),
    }),
  );
