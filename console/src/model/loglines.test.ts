import assert from 'node:assert/strict';
import test from 'node:test';
import { added, asFile, groupKind, instanceOf, type Kept, levelOf, withoutTime } from './loglines';

const line = (eventId: string, timestamp: number) => ({ eventId, timestamp, logStreamName: 's', message: eventId });
const none: Kept = { lines: [], dropped: 0 };
const ids = ({ lines }: Kept) => lines.map(({ eventId }) => eventId).join('');

test('what was read twice is there once', () => {
  const first = added(none, [line('a', 1), line('b', 2)], 10);
  const second = added(first, [line('b', 2), line('c', 3)], 10);
  assert.equal(ids(second), 'abc');
  assert.equal(added(second, [line('b', 2), line('c', 3)], 10), second, 'nothing new changes nothing');
});

test('a line of another instance that comes late is put where it belongs', () => {
  const kept = added(none, [line('a', 1), line('c', 3), line('d', 4)], 10);
  assert.equal(ids(added(kept, [line('b', 2), line('e', 4)], 10)), 'abcde');
});

test('of too many lines the newest stay, and the others are counted', () => {
  const kept = added(
    none,
    [1, 2, 3, 4].map((n) => line(String(n), n)),
    3,
  );
  assert.deepEqual([ids(kept), kept.dropped], ['234', 1]);
  assert.deepEqual([ids(added(kept, [line('5', 5)], 3)), added(kept, [line('5', 5)], 3).dropped], ['345', 2]);
});

test('levels are those of both engines, and only at the beginning', () => {
  assert.equal(levelOf('2026-09-30 11:58:00.000000+00:00 [error] <0.1.0> refused'), 'error');
  assert.equal(levelOf('2026-09-30 11:58:00.000000+00:00 [warning] <0.1.0> slow'), 'warning');
  assert.equal(levelOf('2026-09-30T12:00:00.123Z INFO org.apache.activemq.broker.BrokerService up'), 'info');
  assert.equal(levelOf('2026-09-30T12:00:00.123Z ERROR org.apache.activemq.x failed'), 'error');
  assert.equal(levelOf('\tat java.lang.Thread.run(Thread.java:840)'), undefined);
  assert.equal(levelOf(`${'x'.repeat(100)} [error]`), undefined);
});

test('the time of a line is shown once, and a file has it always', () => {
  assert.equal(withoutTime('2026-09-30 11:58:00.000000+00:00 [info] <0.1.0> up'), '[info] <0.1.0> up');
  assert.equal(withoutTime('2026-09-30T12:00:00.123Z INFO up'), 'INFO up');
  const printed = { ...line('a', 0), message: '2026-09-30T12:00:00.123Z INFO up' };
  const bare = { ...line('b', 0), message: '\tat x' };
  assert.equal(asFile([printed, bare]), '2026-09-30T12:00:00.123Z INFO up\n1970-01-01T00:00:00.000Z \tat x\n');
});

test('names tell the instance and what is in the group', () => {
  assert.equal(instanceOf('rabbitmq-b-1111-2.log'), 2);
  assert.equal(instanceOf('other'), undefined);
  assert.equal(groupKind('/aws/amazonmq/broker/b-1/audit'), 'audit');
});
