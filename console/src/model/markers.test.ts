import assert from 'node:assert/strict';
import test from 'node:test';
import { linesOf, MARKER_KINDS, markersOf, MAX_LINES, USUAL_KINDS } from './markers';

const T = Date.UTC(2026, 10, 29, 12);
const iso = (minutes: number) => new Date(T + minutes * 60_000).toISOString();
const range = { from: T, to: T + 3_600_000 };
const fault = { kind: 'KILL', state: 'ENDED', startsAt: iso(10), endsAt: iso(20), endedAt: iso(20), instance: 2 };
const failover = {
  from: iso(10),
  to: iso(10.02),
  seconds: 1.2,
  cause: 'INJECTED_FAULT',
  detail: 'KILL',
  formerInstance: 1,
  successorInstance: 2,
};

test('what happened in the range is marked, oldest first', () => {
  const events = [
    { at: iso(30), kind: 'failure', message: 'instance 1 ended' },
    { at: iso(-5), kind: 'failure', message: 'too early' },
    { at: iso(70), kind: 'failure', message: 'too late' },
    { at: iso(5), kind: 'maintenance', message: 'rebooted' },
    { at: iso(6), kind: 'verdict', message: 'converged' },
    { at: iso(7), kind: 'verdict', message: 'alarm deep: OK to ALARM: Threshold Crossed' },
  ];
  const kinds = markersOf({ events, faults: [fault] }, range, MARKER_KINDS).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['maintenance', 'alarm', 'fault', 'failure']);
  const usual = markersOf({ events, faults: [fault] }, range, USUAL_KINDS).map(({ kind }) => kind);
  assert.deepEqual(usual, ['maintenance', 'fault', 'failure']);
});

test('a failover is told by the report where it can be read, otherwise by its event', () => {
  const events = [{ at: iso(10), kind: 'failover', message: 'failover: instance 2 took over from instance 1' }];
  const byEvent = markersOf({ events }, range, USUAL_KINDS);
  assert.deepEqual(
    byEvent.map(({ detail }) => detail),
    ['failover: instance 2 took over from instance 1'],
  );
  const byReport = markersOf({ events, failovers: [failover] }, range, USUAL_KINDS);
  assert.deepEqual(
    byReport.map(({ title }) => title),
    ['Failover from instance 1 to 2, 1.2 s'],
  );
});

test('a fault that began before the range and lasts into it is marked at its end', () => {
  const early = { ...fault, startsAt: iso(-10), endedAt: iso(10) };
  const lines = linesOf(markersOf({ faults: [early] }, range, USUAL_KINDS), range, 60);
  assert.deepEqual(
    lines.map(({ at, title }) => [(at - T) / 60_000, title]),
    [[10, 'Fault: kill, instance 2, ended']],
  );
});

test('a fault has a line where it begins and one where it ends, and none while it waits', () => {
  const lines = linesOf(markersOf({ faults: [fault] }, range, USUAL_KINDS), range, 60);
  assert.deepEqual(
    lines.map(({ at }) => (at - T) / 60_000),
    [10, 20],
  );
  assert.deepEqual(markersOf({ faults: [{ ...fault, state: 'PENDING' }] }, range, USUAL_KINDS), []);
});

test('what lies closer together than a period is one line', () => {
  const failovers = [10, 10.5, 30].map((minute) => ({ ...failover, from: iso(minute) }));
  const lines = linesOf(markersOf({ failovers }, range, USUAL_KINDS), range, 300);
  assert.deepEqual(
    lines.map(({ title }) => title),
    ['Failover (2)', 'Failover from instance 1 to 2, 1.2 s'],
  );
});

test('where there are too many, failovers stay', () => {
  const events = Array.from({ length: 100 }, (_, n) => ({ at: iso(n / 2), kind: 'failure', message: `${n}` }));
  const lines = linesOf(markersOf({ events, failovers: [failover] }, range, USUAL_KINDS), range, 1);
  assert.equal(lines.length, MAX_LINES);
  assert.equal(lines.filter(({ kind }) => kind === 'failover').length, 1);
  assert.ok(Math.min(...lines.filter(({ kind }) => kind === 'failure').map(({ at }) => at)) > T + 1_200_000);
});
