import assert from 'node:assert/strict';
import test from 'node:test';
import { length, timeline } from './timeline';

/** Events as the server lists them, newest first, from lines in the order in which they happened. */
function events(...lines: [second: number, kind: string, message: string][]) {
  return lines
    .map(([second, kind, message]) => ({ at: new Date(second * 1000).toISOString(), kind, message }))
    .reverse();
}
const at = (second: number) => new Date(second * 1000).toISOString();
const outage = (from: number, to: number | undefined, cause = 'ENGINE_ENDED') => ({
  from: at(from),
  ...(to === undefined ? {} : { to: at(to) }),
  seconds: (to ?? 100) - from,
  state: 'UNAVAILABLE' as const,
  cause,
  detail: 'instance 1 has ended',
});

test('a creation is one chapter with its passes and its length', () => {
  const [chapter, ...others] = timeline(
    events(
      [0, 'request', 'CreateBroker accepted: ActiveMQ 5.19'],
      [1, 'verdict', 'making what is missing'],
      [3, 'verdict', 'waiting for instance 1 to serve'],
      [7, 'verdict', 'ActiveMQ 5.19.2 serves (brokerd/activemq:5.19)'],
      [7, 'verdict', 'every endpoint answers'],
    ),
  );
  assert.deepEqual(others, []);
  assert.equal(chapter?.topic, 'work');
  assert.equal(chapter?.outcome, 'done');
  assert.equal(chapter?.steps.length, 4);
  assert.equal(length(chapter!, 0), 7000);
});

test('work under way grows until it has ended', () => {
  const [chapter] = timeline(events([0, 'request', 'RebootBroker accepted'], [1, 'verdict', 'stopping instance 1']));
  assert.equal(chapter?.outcome, 'going-on');
  assert.equal(length(chapter!, 5000), 5000);
});

test('a failure that nobody asked for begins a chapter which a failover names', () => {
  const chapters = timeline(
    events(
      [0, 'verdict', 'instance 2 serves, the other one stands by'],
      [10, 'verdict', 'instance 2 has ended; starting it again'],
      [12, 'failover', 'failover: instance 1 took over from instance 2'],
      [20, 'verdict', 'instance 1 serves, the other one stands by'],
    ),
    { outages: [outage(10, 12)], failovers: [], restarts: [] },
  );
  assert.deepEqual(
    chapters.map(({ topic, outcome }) => [topic, outcome]),
    [
      ['failover', 'done'],
      ['news', 'told'],
    ],
  );
  assert.deepEqual(chapters[0]?.outages, [
    { seconds: 2, cause: 'ENGINE_ENDED', detail: 'instance 1 has ended', isOver: true },
  ]);
});

test('requests that only wait for a reboot and required actions end nothing that is under way', () => {
  const chapters = timeline(
    events(
      [0, 'request', 'RebootBroker accepted'],
      [1, 'request', 'CreateUser accepted: carol'],
      [2, 'failure', 'BROKER_OOM is raised: take a larger type'],
      [9, 'verdict', 'all 3 nodes serve'],
    ),
  );
  assert.deepEqual(
    chapters.map(({ topic, outcome, sentence }) => [topic, outcome, sentence.split(' ')[0]]),
    [
      ['trouble', 'told', 'BROKER_OOM'],
      ['request', 'told', 'CreateUser'],
      ['work', 'done', 'RebootBroker'],
    ],
  );
});

test('changes that were given up are a failure, although the broker serves again', () => {
  const [chapter] = timeline(
    events(
      [0, 'request', 'RebootBroker accepted'],
      [30, 'failure', 'the pending changes are not applied: the engine does not boot'],
      [40, 'verdict', 'every endpoint answers'],
    ),
  );
  assert.equal(chapter?.outcome, 'failed');
  assert.equal(length(chapter!, 0), 40_000);
});

test('a creation that failed says so and goes on no longer', () => {
  const [chapter] = timeline(
    events([0, 'request', 'CreateBroker accepted'], [5, 'failure', 'creation failed: not enough memory']),
  );
  assert.deepEqual([chapter?.outcome, chapter?.end], ['failed', at(5)]);
});

test('a fault is one chapter from its acceptance to its end, whatever happens meanwhile', () => {
  const chapters = timeline(
    events(
      [0, 'request', 'fault f-1 accepted: PAUSE for 10 s'],
      [1, 'verdict', 'fault f-1 started: PAUSE for 10 s'],
      [5, 'verdict', 'instance 1 does not answer'],
      [11, 'verdict', 'fault f-1 ended: healed'],
      [12, 'verdict', 'every endpoint answers'],
    ),
  );
  assert.deepEqual(
    chapters.map(({ topic, outcome, steps }) => [topic, outcome, steps.length]),
    [
      ['trouble', 'done', 1],
      ['fault', 'done', 2],
    ],
  );
});

test('an outage without events is a chapter of its own, unless it is older than what is shown', () => {
  const known = events([50, 'request', 'CreateUser accepted: x']);
  const report = { outages: [outage(10, 20), outage(60, undefined)], failovers: [], restarts: [] };
  const chapters = timeline(known, report);
  assert.deepEqual(
    chapters.map(({ at: when, outcome }) => [when, outcome]),
    [
      [at(60), 'going-on'],
      [at(50), 'told'],
    ],
  );
});

test('a reboot during another work takes over', () => {
  const chapters = timeline(
    events(
      [0, 'verdict', 'instance 1 hangs; restarting it'],
      [1, 'request', 'RebootBroker accepted'],
      [9, 'verdict', 'every endpoint answers'],
    ),
  );
  assert.deepEqual(
    chapters.map(({ outcome }) => outcome),
    ['done', 'told'],
  );
  assert.equal(new Set(chapters.map(({ id }) => id)).size, 2);
});
