// Which brokers use a configuration, and which revision of it, which only their descriptions tell.
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

/** Brokers that use it, how many were looked at, and where to go on. */
export async function readUsers(
  id: string,
  engine: string,
  nextToken: string,
): Promise<{ users: User[]; seen: number; next?: string | undefined }> {
  const { ids, seen, next } = await readCandidates(id, engine, nextToken);
  const users: User[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const found = await Promise.all(ids.slice(at, at + AT_ONCE).map((brokerId) => userOf(id, brokerId)));
    users.push(...found.filter((user) => user !== undefined));
  }
  return { users, seen, next };
}

/** The brokers that have it; for who may not see that list, those of the engine, of which each has to be looked at. */
async function readCandidates(id: string, engine: string, nextToken: string) {
  const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
  try {
    const params = { query: { ...query, configuration: id } };
    const { brokers, nextToken: next } = await answer(api.GET('/brokerd/v1/brokers', { params }));
    return { ids: brokers.map(({ brokerId }) => brokerId), seen: brokers.length, next };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isRefused) throw error;
    const { brokerSummaries: all, nextToken: next } = await answer(api.GET('/v1/brokers', { params: { query } }));
    const fitting = all.filter(({ engineType }) => engineType === engine);
    return { ids: fitting.map(({ brokerId }) => brokerId), seen: all.length, next };
  }
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
