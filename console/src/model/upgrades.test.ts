import assert from 'node:assert/strict';
import test from 'node:test';
import { compareVersions, type Offered, upgradeTargets } from './upgrades';

/** Each target with its refusal, as one text. */
function targets(engine: string, current: string, ...offered: (string | [string, string])[]): string[] {
  const all = offered.map((one): Offered =>
    typeof one === 'string' ? { version: one } : { version: one[0], trueVersion: one[1] },
  );
  return upgradeTargets(engine, current, all).map(({ version, refusal }) =>
    refusal ? `${version} ${refusal}` : version,
  );
}

test('versions are ordered by number', () => {
  assert.deepEqual(['3.13', '3.9', '4.0', '3.10'].sort(compareVersions), ['3.9', '3.10', '3.13', '4.0']);
});

test('ActiveMQ goes to any higher version and to no lower one', () => {
  assert.deepEqual(targets('ActiveMQ', '5.18', '5.17', '5.18', '5.19', '5.20'), ['5.20', '5.19', '5.17 LOWER']);
});

test('RabbitMQ leaves no version out, and 4 only follows 3.13', () => {
  assert.deepEqual(targets('RabbitMQ', '3.13', '3.13', '4.2', '4.3'), ['4.3 STEP_BETWEEN', '4.2']);
  assert.deepEqual(targets('RabbitMQ', '4.2', '3.13', '4.2', '4.3'), ['4.3', '3.13 LOWER']);
  assert.deepEqual(targets('RABBITMQ', '3.10', '3.10', '4.0', '4.3'), ['4.3 STEP_BETWEEN', '4.0 NO_WAY']);
});

test('where another version stands in, the way in truth counts too', () => {
  const [old, newer]: [string, string][] = [
    ['3.13', '4.3.6'],
    ['4.3', '4.3.6'],
  ];
  assert.deepEqual(targets('RabbitMQ', '3.13', old!, newer!), ['4.3'], 'nothing is upgraded');
  assert.deepEqual(targets('RabbitMQ', '3.13', old!, ['4.2', '4.3.6'], newer!), ['4.3 STEP_BETWEEN', '4.2']);
  assert.deepEqual(targets('RabbitMQ', '3.13', ['3.13', '3.13.7'], ['4.2', '4.3.6']), ['4.2 STAND_IN']);
});
