// Queues and topics of a broker, and messages in them.
import { described } from './monitoring.mjs';

const NAMES = ['orders.new', 'orders.paid', 'orders.shipped', 'billing.dead-letter', 'audit.stream'];

/** Queues of RabbitMQ. */
export function queues(count = NAMES.length) {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'QUEUE',
    name: NAMES[index] ?? `queue-${String(index).padStart(4, '0')}`,
    virtualHost: '/',
    queueType: index === 4 ? 'stream' : index % 2 ? 'quorum' : 'classic',
    ready: index === 3 ? 12_345 : index * 7,
    unacknowledged: index === 3 ? 2 : 0,
    consumers: index % 4,
    publishRate: index === 0 ? 12.5 : 0,
    deliverRate: index === 0 ? 12.1 : 0,
    acknowledgeRate: index === 0 ? 11.9 : 0,
    node: `rabbit@orders-${(index % 3) + 1}`,
  }));
}

export const MESSAGES = [
  {
    position: 1,
    messageId: 'm-1',
    correlationId: 'c-9',
    redelivered: false,
    priority: 4,
    persistent: true,
    timestamp: '2026-11-29T07:00:00Z',
    contentType: 'application/json',
    properties: { tenant: 'acme', retries: 2, isTest: false },
    size: 52,
    body: '{"order":12345678901234567890,"items":["a","b"]}',
    bodyEncoding: 'TEXT',
    isTruncated: false,
  },
  {
    position: 2,
    redelivered: true,
    properties: {},
    size: 4_000_000,
    body: Buffer.from([0, 255, 16, 65, 66]).toString('base64'),
    bodyEncoding: 'BASE64',
    isTruncated: true,
  },
];

/** Answers what the tab of destinations asks. `all` may change. */
export function destinations(of, all) {
  const page = ({ query }) => {
    const part = (query.get('nameContains') ?? '').toLowerCase();
    const isMeant = ({ name, kind }) => name.toLowerCase().includes(part) && (query.get('kind') ?? kind) === kind;
    const found = all.filter(isMeant);
    const first = Number(query.get('nextToken') ?? 0);
    const size = Number(query.get('maxResults'));
    const next = first + size < found.length ? { nextToken: String(first + size) } : {};
    const sampledAt = new Date().toISOString();
    return { body: { destinations: found.slice(first, first + size), sampledAt, ...next } };
  };
  const path = '/brokerd/v1/brokers/{broker-id}/destinations';
  return {
    ...described(of),
    [`GET ${path}`]: page,
    [`POST ${path}/browse`]: () => ({ body: { messages: MESSAGES, marksRedelivered: true } }),
    [`POST ${path}/publish`]: () => ({ body: { isRouted: true } }),
    [`POST ${path}/purge`]: () => ({ body: { purged: 12_345 } }),
    [`POST ${path}/delete`]: () => ({ body: {} }),
  };
}
