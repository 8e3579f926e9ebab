import assert from 'node:assert/strict';
import test from 'node:test';
import { aligned, firstSpan, fittingPeriod, periodsOf, rangeOf, SPANS, spanWords, tickWords } from './range';

const NOW = Date.UTC(2026, 10, 29, 12, 0, 30);
const last = (minutes: number) => rangeOf({ kind: 'relative', minutes }, NOW);

test('every span has a period whose points can be told apart', () => {
  const periods = SPANS.map((minutes) => fittingPeriod(last(minutes), NOW));
  assert.deepEqual(periods, [60, 60, 60, 300, 300, 900, 3_600, 10_800, 86_400, 86_400]);
  for (const minutes of SPANS) {
    const points = (minutes * 60) / fittingPeriod(last(minutes), NOW);
    assert.ok(points >= 10 && points <= 460, `${minutes} minutes have ${points} points`);
  }
});

test('no period is shorter than what is kept of that time', () => {
  const hour = (daysAgo: number) => {
    const to = NOW - daysAgo * 86_400_000;
    return { from: to - 3_600_000, to };
  };
  assert.equal(fittingPeriod(hour(0), NOW), 60);
  assert.equal(fittingPeriod(hour(2), NOW), 300);
  assert.equal(fittingPeriod(hour(100), NOW), 3_600);
  assert.ok(!periodsOf(last(7 * 1440), NOW).includes(60));
  assert.deepEqual(periodsOf(last(15), NOW), [60, 300]);
});

test('a range begins with a period and ends with a minute', () => {
  const range = aligned(last(180), 300);
  assert.equal(range.from % 300_000, 0);
  assert.equal(range.to, Date.UTC(2026, 10, 29, 12, 1));
  assert.ok(range.from <= last(180).from);
});

test('spans are told in their largest unit', () => {
  assert.deepEqual([15, 60, 180, 1440, 10_080].map(spanWords), ['15 minutes', '1 hour', '3 hours', '1 day', '7 days']);
});

test('an axis has times within a day, days within months, and months within a year', () => {
  const at = new Date(2026, 10, 28, 9, 5);
  assert.equal(tickWords(last(60))(at), '09:05');
  assert.equal(tickWords(last(1440))(at), '09:05\nNov 28');
  assert.equal(tickWords(last(28 * 1440))(at), 'Nov 28');
  assert.equal(tickWords(last(455 * 1440))(at), 'Nov 2026');
});

test('a young broker is shown in a span that it fills, an old one in the usual one', () => {
  const now = Date.UTC(2026, 0, 1);
  const of = (minutes: number) => firstSpan(now - minutes * 60_000, now);
  assert.deepEqual([0, 1, 15, 16, 60, 61, 180, 100_000].map(of), [15, 15, 15, 60, 60, 180, 180, 180]);
  assert.equal(of(-5), 15, 'the clocks of server and browser differ');
});
