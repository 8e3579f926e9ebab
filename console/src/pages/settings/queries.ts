// What the tabs read beside the broker itself.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { isUnderWay } from '../../model/faultTime';
import type { Offered } from '../../model/upgrades';

export type Broker = Schemas['DescribeBrokerResponse'];
export type Group = Schemas['SecurityGroupView'];
export type EngineVersion = Schemas['OfferedVersion'];

const PAGE = 100;
/** How often the faults under way are read anew, in milliseconds: a fault that strikes is no change of its broker. */
const FAULTS_MS = 2_000;

/** All pages of a list. As in the service, a page may say that there is another one, which is empty. */
async function all<T>(page: (nextToken: string | undefined) => Promise<{ items: T[]; nextToken?: string }>) {
  const items: T[] = [];
  let nextToken: string | undefined;
  do {
    const read = await page(nextToken);
    items.push(...read.items);
    nextToken = read.items.length ? read.nextToken : undefined;
  } while (nextToken);
  return items;
}

function brokerPath(id: string) {
  return { params: { path: { 'broker-id': id } } };
}

/** Reads the broker anew, not from what is known. */
export function readBroker(id: string): Promise<Broker> {
  return answer(api.GET('/v1/brokers/{broker-id}', brokerPath(id)));
}

/** Has everything that is shown of a broker read anew. */
export function useChanged(id: string): () => Promise<void> {
  const client = useQueryClient();
  return useCallback(async () => {
    await Promise.all([
      client.invalidateQueries({ queryKey: ['broker', id] }),
      client.invalidateQueries({ queryKey: ['brokers'] }),
    ]);
  }, [client, id]);
}

/** The engine that runs, with its exact version. */
export function useInspected(id: string) {
  return useQuery({
    queryKey: ['broker', id, 'inspect', 'settings'],
    queryFn: () => answer(api.GET('/brokerd/v1/brokers/{broker-id}', brokerPath(id))),
  });
}

/** The versions that callers may name. */
export function useOfferedVersions(engine: string) {
  return useQuery({
    queryKey: ['engine-types', 'settings', engine],
    queryFn: async () => {
      const query = { engineType: engine.toUpperCase(), maxResults: PAGE };
      const types = await answer(api.GET('/v1/broker-engine-types', { params: { query } }));
      return types.brokerEngineTypes.flatMap((type) => type.engineVersions.map(({ name }) => name));
    },
  });
}

/** The exact versions behind those, with their open advisories. */
export function useEngineVersions(engine: string) {
  return useQuery({
    queryKey: ['engine-versions', 'settings'],
    queryFn: () => answer(api.GET('/brokerd/v1/engine-versions')),
    select: ({ engineVersions }) => engineVersions.filter((one) => one.engineType === engine.toUpperCase()),
  });
}

/** The versions with the exact ones where these are known. */
export function offered(versions: string[] | undefined, engines: EngineVersion[] | undefined): Offered[] {
  return (versions ?? []).map((version) => {
    const trueVersion = engines?.find((one) => one.engineVersion === version)?.trueVersion;
    return trueVersion === undefined ? { version } : { version, trueVersion };
  });
}

/** The instance types of an engine and a storage type. */
export function useInstanceOptions(engine: string, storageType: string) {
  return useQuery({
    queryKey: ['instance-options', 'settings', engine, storageType],
    queryFn: () =>
      all(async (nextToken) => {
        const query = {
          engineType: engine.toUpperCase(),
          storageType: storageType.toUpperCase(),
          maxResults: PAGE,
          nextToken,
        };
        const page = await answer(api.GET('/v1/broker-instance-options', { params: { query } }));
        return { items: page.brokerInstanceOptions, nextToken: page.nextToken };
      }),
  });
}

/** The configurations of an engine. */
export function useConfigurations(engine: string) {
  return useQuery({
    queryKey: ['configurations', 'settings'],
    queryFn: () =>
      all(async (nextToken) => {
        const query = { maxResults: PAGE, nextToken };
        const page = await answer(api.GET('/v1/configurations', { params: { query } }));
        return { items: page.configurations, nextToken: page.nextToken };
      }),
    select: (configurations) => configurations.filter((one) => one.engineType.toUpperCase() === engine.toUpperCase()),
  });
}

/** The revisions of a configuration, newest first. */
export function useRevisions(configuration: string) {
  return useQuery({
    queryKey: ['configuration', configuration, 'revisions', 'all'],
    enabled: configuration !== '',
    queryFn: () =>
      all(async (nextToken) => {
        const params = { path: { 'configuration-id': configuration }, query: { maxResults: PAGE, nextToken } };
        const page = await answer(api.GET('/v1/configurations/{configuration-id}/revisions', { params }));
        return { items: page.revisions, nextToken: page.nextToken };
      }),
    select: (revisions) => [...revisions].sort((one, other) => other.revision - one.revision),
  });
}

/** The security groups of the account and region. */
export function useSecurityGroups() {
  return useQuery({
    queryKey: ['security-groups', 'settings'],
    queryFn: () => answer(api.GET('/brokerd/v1/security-groups')),
    select: ({ securityGroups }) => securityGroups,
  });
}

/** The faults of a broker, and what may be started. */
export function useFaults(id: string) {
  return useQuery({
    queryKey: ['broker', id, 'faults'],
    queryFn: () => {
      const params = { path: { 'broker-id': id }, query: { maxResults: PAGE } };
      return answer(api.GET('/brokerd/v1/brokers/{broker-id}/faults', { params }));
    },
    refetchInterval: ({ state }) => (state.data?.faults.some(isUnderWay) ? FAULTS_MS : false),
  });
}
