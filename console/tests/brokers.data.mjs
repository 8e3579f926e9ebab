// Brokers for the tests of the list, and a list as the server gives it.
import { refused } from './support/index.mjs';

const STATES = ['RUNNING', 'RUNNING', 'RUNNING', 'CREATION_IN_PROGRESS', 'REBOOT_IN_PROGRESS', 'CREATION_FAILED'];
const NAMES = ['orders', 'billing', 'tracking', 'invoices', 'shipments'];

/** `count` brokers, all different. */
export function manyBrokers(count) {
  return Array.from({ length: count }, (_, at) => {
    const isRabbit = at % 2 === 0;
    const brokerId = `b-00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
    return {
      brokerId,
      brokerArn: `arn:aws:mq:eu-central-1:123456789012:broker:x:${brokerId}`,
      brokerName: `${NAMES[at % NAMES.length]}-${String(at).padStart(5, '0')}`,
      brokerState: STATES[at % STATES.length],
      engineType: isRabbit ? 'RabbitMQ' : 'ActiveMQ',
      engineVersion: isRabbit ? '4.3' : '5.19',
      ...(STATES[at % STATES.length] === 'RUNNING' ? { runningEngineVersion: isRabbit ? '4.3.1' : '5.19.2' } : {}),
      deploymentMode: isRabbit ? (at % 4 ? 'CLUSTER_MULTI_AZ' : 'SINGLE_INSTANCE') : 'ACTIVE_STANDBY_MULTI_AZ',
      hostInstanceType: isRabbit ? 'mq.m7g.large' : 'mq.m5.large',
      storageType: isRabbit ? 'ebs' : 'efs',
      created: new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString(),
      ...(at % 3 ? { messages: at * 17, connections: at % 40 } : {}),
      tags: { team: NAMES[at % NAMES.length] },
    };
  });
}

/** Requests and answers write engines in different letter cases. */
const isIn = (wanted, value) => !wanted || wanted.toUpperCase() === value.toUpperCase();

/** `GET /brokerd/v1/brokers` of these brokers, an array that may change meanwhile. */
export function listOf(brokers) {
  return ({ query }) => {
    const { sort = 'name', order = 'asc', maxResults = '100', nextToken } = Object.fromEntries(query);
    const size = Number(maxResults);
    if (!(size >= 5 && size <= 100)) return refused(400, 'BadRequestException', 'Specify 5 to 100.', 'maxResults');
    const wanted = { engineType: 'engineType', brokerState: 'state', deploymentMode: 'deploymentMode' };
    wanted.hostInstanceType = 'instanceType';
    const part = (query.get('nameContains') ?? '').toLowerCase();
    const matching = brokers.filter(
      (one) =>
        one.brokerName.toLowerCase().includes(part) &&
        Object.entries(wanted).every(([member, name]) => isIn(query.get(name), one[member])),
    );
    const member = { name: 'brokerName', state: 'brokerState', created: 'created' }[sort];
    const key = (one) => `${one[member]} ${one.brokerId}`;
    matching.sort((one, other) => (key(one) < key(other) ? -1 : 1) * (order === 'desc' ? -1 : 1));
    const from = nextToken ? matching.findIndex((one) => key(one) === atob(nextToken)) + 1 : 0;
    if (nextToken && !from) return refused(400, 'BadRequestException', 'The token is of another list.', 'nextToken');
    const page = matching.slice(from, from + size);
    const more = from + size < matching.length ? { nextToken: btoa(key(page.at(-1))) } : {};
    return { body: { brokers: page, total: matching.length, ...more } };
  };
}

export const OPTIONS = {
  'GET /v1/broker-instance-options': {
    brokerInstanceOptions: [
      { engineType: 'RABBITMQ', hostInstanceType: 'mq.m7g.large', storageType: 'EBS' },
      { engineType: 'ACTIVEMQ', hostInstanceType: 'mq.m5.large', storageType: 'EFS' },
    ],
    maxResults: 100,
  },
};
