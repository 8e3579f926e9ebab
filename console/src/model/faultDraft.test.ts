import assert from 'node:assert/strict';
import test from 'node:test';
import { type FaultDraft, faultDraftFaults, faultRequest } from './faultDraft';

const draft: FaultDraft = {
  kind: 'KILL',
  instance: '',
  zone: 'eu-central-1a',
  durationSeconds: '30',
  latencyMilliseconds: '200',
  jitterMilliseconds: '0',
};

test('a fault is asked for with the members of its kind', () => {
  assert.deepEqual(faultRequest(draft), { kind: 'KILL' });
  assert.deepEqual(faultRequest({ ...draft, instance: '2' }), { kind: 'KILL', instance: 2 });
  assert.deepEqual(faultRequest({ ...draft, kind: 'FAILOVER', instance: '2' }), { kind: 'FAILOVER' });
  assert.deepEqual(faultRequest({ ...draft, kind: 'ZONE_OUTAGE' }), {
    kind: 'ZONE_OUTAGE',
    zone: 'eu-central-1a',
    durationSeconds: 30,
  });
  assert.deepEqual(faultRequest({ ...draft, kind: 'LATENCY' }), {
    kind: 'LATENCY',
    durationSeconds: 30,
    latencyMilliseconds: 200,
    jitterMilliseconds: 0,
  });
});

test('numbers outside of the server’s ranges are marked, of members that the kind has', () => {
  const wrong = { ...draft, durationSeconds: '3601', latencyMilliseconds: '0', jitterMilliseconds: 'x' };
  assert.deepEqual(faultDraftFaults(wrong), {});
  assert.deepEqual(faultDraftFaults({ ...wrong, kind: 'PAUSE' }), { durationSeconds: [1, 3600] });
  assert.deepEqual(Object.keys(faultDraftFaults({ ...wrong, kind: 'LATENCY' })).sort(), [
    'durationSeconds',
    'jitterMilliseconds',
    'latencyMilliseconds',
  ]);
});
