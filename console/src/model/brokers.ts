// The list of brokers: its rows, what its filter asks for, and what the states of brokers permit.

import type { Schemas } from '../api/client';
import type { operations } from '../api/schema';

/** A row of the list. Absent where only ListBrokers is permitted: what that does not tell. */
export type BrokerRow = Schemas['BrokerSummary'] & Partial<Schemas['BrokerDetails']>;

export interface BrokerPage extends Omit<Schemas['ListBrokerDetailsResponse'], 'brokers'> {
  brokers: BrokerRow[];
}

/** The parameters of ListBrokerDetails. */
export type BrokerQuery = NonNullable<operations['ListBrokerDetails']['parameters']['query']>;

export const STATES = [
  'RUNNING',
  'CREATION_IN_PROGRESS',
  'REBOOT_IN_PROGRESS',
  'DELETION_IN_PROGRESS',
  'CREATION_FAILED',
  'CRITICAL_ACTION_REQUIRED',
  'REPLICA',
] as const satisfies readonly BrokerRow['brokerState'][];
export const ENGINES = ['ACTIVEMQ', 'RABBITMQ'] as const;
export const MODES = [
  'SINGLE_INSTANCE',
  'ACTIVE_STANDBY_MULTI_AZ',
  'CLUSTER_MULTI_AZ',
] as const satisfies readonly BrokerRow['deploymentMode'][];

/** What the list is asked for. The names are those of the page's address. */
export interface Listed {
  name?: string;
  engine?: string;
  state?: string;
  mode?: string;
  type?: string;
  sort: 'name' | 'state' | 'created';
  order: 'asc' | 'desc';
}

/** The filter's properties, each with the parameter of the API. One value of each can be asked for. */
const PARAMETERS = {
  name: 'nameContains',
  engine: 'engineType',
  state: 'state',
  mode: 'deploymentMode',
  type: 'instanceType',
} as const satisfies Record<string, keyof BrokerQuery>;
type Property = keyof typeof PARAMETERS;
const PROPERTIES = Object.keys(PARAMETERS) as Property[];

/** What the page's address asks for. Anything unknown is left out. */
export function listedOf(search: URLSearchParams): Listed {
  const sort = search.get('sort');
  const listed: Listed = {
    sort: sort === 'state' || sort === 'created' ? sort : 'name',
    order: search.get('order') === 'desc' ? 'desc' : 'asc',
  };
  for (const property of PROPERTIES) {
    const value = search.get(property);
    if (value) listed[property] = value;
  }
  return listed;
}

/** The page's address for that, without what is so by itself. */
export function searchOf(listed: Listed): Record<string, string> {
  const search: Record<string, string> = {};
  for (const property of PROPERTIES) {
    const value = listed[property];
    if (value) search[property] = value;
  }
  if (listed.sort !== 'name') search['sort'] = listed.sort;
  if (listed.order !== 'asc') search['order'] = listed.order;
  return search;
}

/** The query of the API for a page of the list. */
export function queryOf(listed: Listed, maxResults: number, nextToken?: string): BrokerQuery {
  const query: BrokerQuery = { maxResults, sort: listed.sort, order: listed.order };
  for (const property of PROPERTIES) {
    const value = listed[property];
    if (value) query[PARAMETERS[property]] = value;
  }
  return nextToken ? { ...query, nextToken } : query;
}

/**
 * A page of brokers of which all are known, as the server would give it: for who may only ListBrokers, which neither
 * filters nor sorts. The token is the number of brokers before the page.
 */
export function pageOf(all: readonly BrokerRow[], listed: Listed, size: number, nextToken = '0'): BrokerPage {
  const part = listed.name?.toLowerCase() ?? '';
  const is = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value;
  const matching = all.filter(
    (row) =>
      row.brokerName.toLowerCase().includes(part) &&
      // The filter has the words of requests, the row those of answers.
      is(listed.engine, row.engineType.toUpperCase()) &&
      is(listed.state, row.brokerState) &&
      is(listed.mode, row.deploymentMode) &&
      is(listed.type, row.hostInstanceType),
  );
  const member = ({ name: 'brokerName', state: 'brokerState', created: 'created' } as const)[listed.sort];
  const key = (row: BrokerRow) => `${row[member]} ${row.brokerId}`;
  const direction = listed.order === 'desc' ? -1 : 1;
  matching.sort((one, other) => (key(one) < key(other) ? -direction : direction));
  const end = Number(nextToken) + size;
  return {
    brokers: matching.slice(Number(nextToken), end),
    total: matching.length,
    ...(end < matching.length ? { nextToken: String(end) } : {}),
  };
}

/** A token of the property filter. */
export interface Token {
  propertyKey?: string | undefined;
  operator: string;
  value: unknown;
}

/** The filter's tokens for what is asked for. */
export function tokensOf(listed: Listed): Token[] {
  return PROPERTIES.flatMap((property) => {
    const value = listed[property];
    return value ? [{ propertyKey: property, operator: property === 'name' ? ':' : '=', value }] : [];
  });
}

/** What tokens ask for. A later token replaces an earlier one of its property; bare words are parts of the name. */
export function withTokens(listed: Listed, tokens: readonly Token[]): Listed {
  const next: Listed = { sort: listed.sort, order: listed.order };
  for (const { propertyKey = 'name', value } of tokens) {
    if (propertyKey in PARAMETERS && typeof value === 'string' && value) next[propertyKey as Property] = value;
  }
  return next;
}

export type BulkAction = 'reboot' | 'delete';

/** Whether a broker's state permits it. By its configuration a server may permit less. */
export function permits(action: BulkAction, state: string): boolean {
  if (action === 'delete') return state !== 'DELETION_IN_PROGRESS';
  return state === 'RUNNING' || state === 'CRITICAL_ACTION_REQUIRED' || state === 'REPLICA';
}

/** The names in what was entered: separated by commas, spaces or lines. */
export function namesIn(entered: string): string[] {
  return [...new Set(entered.split(/[\s,;]+/).filter(Boolean))];
}

/** Whether exactly these names were entered, in whichever order. */
export function areNamed(entered: string, names: readonly string[]): boolean {
  const found = namesIn(entered);
  const wanted = new Set(names);
  return found.length === wanted.size && found.every((name) => wanted.has(name));
}
