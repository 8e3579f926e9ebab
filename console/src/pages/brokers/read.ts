// Reads a page of the list.
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { type BrokerPage, type BrokerRow, type Listed, pageOf, queryOf } from '../../model/brokers';

export interface Read extends BrokerPage {
  /** Why there is less to see than usual. */
  why?: string;
}

/** A page as the server gives it, or, for who may not see that, of what ListBrokers tells. */
export async function read(
  listed: Listed,
  pageSize: number,
  nextToken: string | undefined,
  signal: AbortSignal,
): Promise<Read> {
  const params = { query: queryOf(listed, pageSize, nextToken) };
  try {
    return await answer(api.GET('/brokerd/v1/brokers', { params, signal }));
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isRefused) throw error;
    const all = await summaries(signal).catch((other: unknown) => {
      // Who may not even do that is told about the operation that would show all.
      throw other instanceof ApiError && other.isRefused ? error : other;
    });
    return { ...pageOf(all, listed, pageSize, nextToken), why: error.message };
  }
}

/** All brokers of the account in the region: there are at most some hundred, by its quota. */
async function summaries(signal: AbortSignal): Promise<BrokerRow[]> {
  const all: BrokerRow[] = [];
  let nextToken: string | undefined;
  do {
    const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
    const page = await answer(api.GET('/v1/brokers', { params: { query }, signal }));
    all.push(...page.brokerSummaries);
    nextToken = page.nextToken;
  } while (nextToken);
  return all;
}
