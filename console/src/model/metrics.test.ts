import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { isOfBroker, measured, PANELS, panelsOf, wanted } from './metrics';

/** The metrics of a table of docs/broker-metrics.md that can be had, with their units. */
function documented(table: string): Map<string, string> {
  const file = path.join(process.cwd(), '../docs/broker-metrics.md');
  const part = readFileSync(file, 'utf8').split(`<!-- table: ${table} -->`)[1]?.split('<!-- end -->')[0] ?? '';
  const found = [...part.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)];
  const had = found.filter(([, , , source]) => !source?.startsWith("can't be had"));
  return new Map(had.map(([, metric, unit]) => [metric ?? '', unit ?? '']));
}

const TABLES = [
  ['RabbitMQ broker', 'RabbitMQ', 'broker'],
  ['RabbitMQ node', 'RabbitMQ', 'node'],
  ['RabbitMQ queue', 'RabbitMQ', 'queue'],
  ['ActiveMQ broker', 'ActiveMQ', 'broker'],
  ['ActiveMQ destination', 'ActiveMQ', 'queue'],
] as const;

test('every documented metric that can be had is drawn in one graph, in its unit', () => {
  for (const [table, engine, level] of TABLES) {
    const all = documented(table);
    assert.ok(all.size > 3, table);
    const panels = PANELS[engine][level];
    const drawn = panels.flatMap(({ metrics, unit }) => metrics.map((metric) => [metric, unit] as const));
    assert.deepEqual(drawn.map(([metric]) => metric).sort(), [...all.keys()].sort(), table);
    for (const [metric, unit] of drawn) {
      assert.equal(unit === 'CountPerSecond' ? 'Count' : unit, all.get(metric), metric);
    }
  }
});

test('the name of a panel is there once in a page', () => {
  for (const levels of Object.values(PANELS)) {
    for (const panels of Object.values(levels)) {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    }
  }
});

const pair = { brokerName: 'orders', engineType: 'ActiveMQ', deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' };
const cluster = { brokerName: 'orders', engineType: 'RabbitMQ', deploymentMode: 'CLUSTER_MULTI_AZ' };
const values = (things: { dimensions: { Name: string; Value: string }[] }[]) =>
  things.map(({ dimensions }) => dimensions.map(({ Name, Value }) => `${Name}=${Value}`).join());

test('instances of a pair are told apart, a single one has no name', () => {
  assert.deepEqual(values(measured(pair, { level: 'broker' })), ['Broker=orders-1', 'Broker=orders-2']);
  assert.deepEqual(values(measured(pair, { level: 'node', name: 'orders-2' })), ['Broker=orders-2']);
  const single = { ...pair, deploymentMode: 'SINGLE_INSTANCE' };
  assert.deepEqual(
    measured(single, { level: 'broker' }).map(({ label }) => label),
    [''],
  );
  assert.equal(
    wanted('ActiveMQ', 'broker', measured(pair, { level: 'broker' }))[0]?.label,
    'TotalMessageCount (orders-1)',
  );
});

test('destinations and nodes have their dimensions', () => {
  assert.deepEqual(values(measured(pair, { level: 'topic', name: 'prices' })), [
    'Broker=orders-1,Topic=prices',
    'Broker=orders-2,Topic=prices',
  ]);
  assert.deepEqual(values(measured(cluster, { level: 'queue', name: 'q', virtualHost: '/' })), [
    'Broker=orders,VirtualHost=/,Queue=q',
  ]);
  assert.deepEqual(values(measured(cluster, { level: 'node' }, ['n1', 'n2'])), [
    'Broker=orders,Node=n1',
    'Broker=orders,Node=n2',
  ]);
});

test('a broker with a longer name is another one', () => {
  const of = (Value: string) => isOfBroker(pair, [{ Name: 'Broker', Value }]);
  assert.deepEqual(['orders-1', 'orders-2', 'orders', 'orders-1-1', 'orders-3'].map(of), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a page asks for fewer metrics than one request may have', () => {
  for (const level of ['broker', 'node'] as const) {
    const three = measured(cluster, { level: 'node' }, ['a', 'b', 'c']);
    assert.ok(wanted('RabbitMQ', level, three).length < 500);
    assert.ok(panelsOf('ACTIVEMQ', level).length > 0);
  }
});
