import assert from 'node:assert/strict';
import test from 'node:test';
import { boundsOf, dayWords, money, months, monthWords, percent } from './months';

test('months go from now back to the creation, over the turn of a year', () => {
  const of = (from: string, most = 36) => months(new Date(from), new Date('2027-01-15T00:00:00Z'), most);
  assert.deepEqual(of('2026-11-30T23:59:59Z'), ['2027-01', '2026-12', '2026-11']);
  assert.deepEqual(of('2027-01-01T00:00:00Z'), ['2027-01']);
  assert.equal(of('2000-01-01T00:00:00Z').length, 36);
  assert.deepEqual(of('2027-02-01T00:00:00Z'), ['2027-01'], 'a clock that is ahead still has a month');
});

test('a month ends where the next one begins', () => {
  assert.deepEqual(boundsOf('2026-12'), { from: '2026-12-01', to: '2027-01-01' });
  assert.deepEqual(boundsOf('2026-09'), { from: '2026-09-01', to: '2026-10-01' });
  assert.equal(monthWords('2026-09'), 'September 2026');
  assert.equal(dayWords('2026-09-03T00:00:00Z'), 'Sep 3');
});

test('percentages are never rounded up, and only what was always available has 100', () => {
  assert.deepEqual(['100.0000', '99.9999', '99.9000', '0.0000'].map(percent), ['100%', '99.9999%', '99.9%', '0%']);
  assert.equal(percent(undefined), '–');
  assert.equal(money('EUR', '12.30'), 'EUR 12.30');
});
