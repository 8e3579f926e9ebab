// Which brokers use a configuration. Only their descriptions tell it, so that a page of brokers is looked at by one.
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';

/** A broker that has, will have or had a configuration, and which revision. */
export interface User {
  id: string;
  name: string;
  state: string;
  current?: number | undefined;
  pending?: number | undefined;
}

/** How many descriptions are read at once. */
const AT_ONCE = 6;

/** The brokers of one page of the list that use it, how many were looked at, and where to go on. */
export async function readUsers(
  id: string,
  engine: string,
  nextToken: string,
): Promise<{ users: User[]; seen: number; next?: string | undefined }> {
  const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
  const page = await answer(api.GET('/v1/brokers', { params: { query } }));
  const candidates = page.brokerSummaries.filter(({ engineType }) => engineType === engine);
  const users: User[] = [];
  for (let at = 0; at < candidates.length; at += AT_ONCE) {
    const group = candidates.slice(at, at + AT_ONCE);
    const found = await Promise.all(group.map(({ brokerId }) => userOf(id, brokerId)));
    users.push(...found.filter((user) => user !== undefined));
  }
  return { users, seen: page.brokerSummaries.length, next: page.nextToken };
}

async function userOf(id: string, brokerId: string): Promise<User | undefined> {
  const params = { path: { 'broker-id': brokerId } };
  let broker;
  try {
    broker = await answer(api.GET('/v1/brokers/{broker-id}', { params }));
  } catch (error) {
    // It was deleted meanwhile, or the principal may not see it.
    if (error instanceof ApiError && (error.status === 404 || error.isRefused)) return undefined;
    throw error;
  }
  const { current, pending, history = [] } = broker.configurations ?? {};
  const of = (one?: { id: string; revision: number }) => (one?.id === id ? one.revision : undefined);
  const isUser = [current, pending, ...history].some((one) => one?.id === id);
  if (!isUser) return undefined;
  return {
    id: brokerId,
    name: broker.brokerName,
    state: broker.brokerState,
    current: of(current),
    pending: of(pending),
  };
}
