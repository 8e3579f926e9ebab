import assert from 'node:assert/strict';
import test from 'node:test';
import { countdown, progress, remaining } from './faultTime';

test('a fault counts down to its end and not beyond', () => {
  const fault = { state: 'ACTIVE', startsAt: '2026-11-29T08:00:00Z', endsAt: '2026-11-29T08:01:40Z' };
  const at = (seconds: number) => Date.parse(fault.startsAt) + seconds * 1000;
  assert.equal(remaining(fault, at(35)), 65_000);
  assert.equal(countdown(remaining(fault, at(35))), '1:05');
  assert.equal(progress(fault, at(35)), 35);
  assert.equal(remaining(fault, at(500)), 0);
  assert.equal(progress(fault, at(500)), 100);
  assert.equal(progress(fault, at(-5)), 0);
  assert.equal(countdown(3_605_000), '1:00:05');
  assert.equal(countdown(0), '0:00');
});
