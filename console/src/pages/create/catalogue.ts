// What the server offers for new brokers.
import { useQuery } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';

/** More pages than any catalogue has. */
const MAX_PAGES = 50;

/** All items of a list that comes in pages. The service's own lists end with an empty page. */
async function all<T>(
  page: (nextToken?: string) => Promise<{ items: T[]; nextToken?: string | undefined }>,
): Promise<T[]> {
  const found: T[] = [];
  let token: string | undefined;
  for (let number = 0; number < MAX_PAGES; number += 1) {
    const { items, nextToken } = await page(token);
    found.push(...items);
    if (!nextToken || items.length === 0) break;
    token = nextToken;
  }
  return found;
}

/** Every combination that CreateBroker accepts. Images may still be being built: nothing is looked for again. */
export function useInstanceOptions() {
  return useQuery({
    queryKey: ['instance-options', 'create'],
    queryFn: () =>
      all(async (nextToken) => {
        const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
        const found = await answer(api.GET('/v1/broker-instance-options', { params: { query } }));
        return { items: found.brokerInstanceOptions, nextToken: found.nextToken };
      }),
    refetchInterval: ({ state }) => (state.data?.length === 0 ? 5_000 : false),
  });
}

/** The engines with their versions. */
export function useEngineTypes() {
  return useQuery({
    queryKey: ['engine-types', 'create'],
    queryFn: async () => (await answer(api.GET('/v1/broker-engine-types', {}))).brokerEngineTypes,
  });
}

/** What really runs behind the versions, with open advisories. */
export function useEngineVersions() {
  return useQuery({
    queryKey: ['engine-versions', 'create'],
    queryFn: async () => (await answer(api.GET('/brokerd/v1/engine-versions', {}))).engineVersions,
    retry: false,
  });
}

export type ConfigurationSummary = Schemas['ConfigurationSummary'];

/** All configurations of the account in the region. */
export function useConfigurations(isEnabled: boolean) {
  return useQuery({
    queryKey: ['configurations', 'create'],
    enabled: isEnabled,
    queryFn: () =>
      all(async (nextToken) => {
        const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
        const found = await answer(api.GET('/v1/configurations', { params: { query } }));
        return { items: found.configurations, nextToken: found.nextToken };
      }),
  });
}

/** The revisions of a configuration, newest first. */
export function useRevisions(id: string | undefined) {
  return useQuery({
    queryKey: ['configurations', id, 'revisions', 'all'],
    enabled: id !== undefined,
    queryFn: async () => {
      const revisions = await all(async (nextToken) => {
        const params = {
          path: { 'configuration-id': id ?? '' },
          query: { maxResults: 100, ...(nextToken ? { nextToken } : {}) },
        };
        const found = await answer(api.GET('/v1/configurations/{configuration-id}/revisions', { params }));
        return { items: found.revisions, nextToken: found.nextToken };
      });
      return revisions.sort((one, other) => other.revision - one.revision);
    },
  });
}

/** The security groups that brokerd enforces. */
export function useSecurityGroups() {
  return useQuery({
    queryKey: ['security-groups', 'create'],
    queryFn: async () => (await answer(api.GET('/brokerd/v1/security-groups', {}))).securityGroups,
    retry: false,
  });
}
