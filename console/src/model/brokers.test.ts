import assert from 'node:assert/strict';
import test from 'node:test';
import {
  areNamed,
  type BrokerRow,
  listedOf,
  pageOf,
  permits,
  queryOf,
  searchOf,
  STATES,
  tokensOf,
  withTokens,
} from './brokers';

const plain = { sort: 'name', order: 'asc' } as const;

test('what is asked for survives the address', () => {
  const listed = { name: 'or', engine: 'RABBITMQ', state: 'RUNNING', sort: 'created', order: 'desc' } as const;
  assert.deepEqual(listedOf(new URLSearchParams(searchOf(listed))), listed);
  assert.deepEqual(searchOf(plain), {});
  assert.deepEqual(listedOf(new URLSearchParams('sort=size&order=up&page=7&name=')), plain);
});

test('the tokens of the filter are what is asked for, the last of each property', () => {
  const tokens = [
    { propertyKey: 'engine', operator: '=', value: 'ACTIVEMQ' },
    { propertyKey: 'engine', operator: '=', value: 'RABBITMQ' },
    { operator: ':', value: 'orders' },
    { propertyKey: 'colour', operator: '=', value: 'red' },
  ];
  const listed = withTokens({ ...plain, state: 'RUNNING' }, tokens);
  assert.deepEqual(listed, { ...plain, engine: 'RABBITMQ', name: 'orders' });
  assert.deepEqual(withTokens(plain, tokensOf(listed)), listed);
});

test('the query has the names of the API', () => {
  const listed = { ...plain, name: 'a&b', mode: 'CLUSTER_MULTI_AZ', type: 'mq.m5.large' };
  assert.deepEqual(queryOf(listed, 50), {
    maxResults: 50,
    sort: 'name',
    order: 'asc',
    nameContains: 'a&b',
    deploymentMode: 'CLUSTER_MULTI_AZ',
    instanceType: 'mq.m5.large',
  });
  assert.deepEqual(queryOf(plain, 20, 'next=='), { ...plain, maxResults: 20, nextToken: 'next==' });
});

test('a state permits what the server’s table says', () => {
  const permitted = (action: 'reboot' | 'delete') => STATES.filter((state) => permits(action, state));
  assert.deepEqual(permitted('reboot'), ['RUNNING', 'CRITICAL_ACTION_REQUIRED', 'REPLICA']);
  assert.deepEqual(
    permitted('delete'),
    STATES.filter((state) => state !== 'DELETION_IN_PROGRESS'),
  );
});

test('names are entered in any order, but all of them and no other', () => {
  assert.ok(areNamed('b, a', ['a', 'b']));
  assert.ok(areNamed(' a\nb\n', ['a', 'b']));
  assert.ok(!areNamed('a', ['a', 'b']));
  assert.ok(!areNamed('a b c', ['a', 'b']));
  assert.ok(!areNamed('A', ['a']));
  assert.ok(!areNamed('', ['a']));
});

test('brokers of which all are known are cut into the pages that the server would give', () => {
  const row = (name: string, engineType: BrokerRow['engineType'], created: string): BrokerRow => ({
    brokerId: `b-${name}`,
    brokerArn: '',
    brokerName: name,
    brokerState: 'RUNNING',
    engineType,
    deploymentMode: 'SINGLE_INSTANCE',
    hostInstanceType: 'mq.m5.large',
    created,
  });
  const rabbits = [row('b', 'RabbitMQ', '3'), row('a', 'RabbitMQ', '1'), row('ab', 'RabbitMQ', '4')];
  const all = [...rabbits, row('C', 'ActiveMQ', '2')];
  const names = (page: { brokers: BrokerRow[] }) => page.brokers.map(({ brokerName }) => brokerName);
  const first = pageOf(all, { sort: 'created', order: 'desc' }, 3);
  assert.deepEqual([names(first), first.total, first.nextToken], [['ab', 'b', 'C'], 4, '3']);
  const last = pageOf(all, { sort: 'created', order: 'desc' }, 3, first.nextToken);
  assert.deepEqual([names(last), last.nextToken], [['a'], undefined]);
  assert.deepEqual(names(pageOf(all, { ...plain, name: 'A', engine: 'RABBITMQ' }, 3)), ['a', 'ab']);
  assert.deepEqual(pageOf(all, { ...plain, state: 'REPLICA' }, 3), { brokers: [], total: 0 });
});
