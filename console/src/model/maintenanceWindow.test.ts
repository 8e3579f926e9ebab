import assert from 'node:assert/strict';
import test from 'node:test';
import { isZone, momentText, nextOpening, openUntil, windowText } from './maintenanceWindow';

function next(dayOfWeek: string, timeOfDay: string, timeZone: string, now: string): string | undefined {
  const moment = nextOpening({ dayOfWeek, timeOfDay, timeZone }, Date.parse(now));
  return moment === undefined ? undefined : new Date(moment).toISOString().replace('.000Z', 'Z');
}

// The same examples as domain/src/maintenance/schedule.rs.
test('offsets and names say how far ahead of UTC a zone is', () => {
  for (const [zone, start] of [
    ['UTC', '2026-09-22T02:00:00Z'],
    ['+02:00', '2026-09-22T00:00:00Z'],
    ['UTC+3', '2026-09-21T23:00:00Z'],
    ['UTC-03:30', '2026-09-22T05:30:00Z'],
    ['-11:30', '2026-09-22T13:30:00Z'],
    ['+14', '2026-09-21T12:00:00Z'],
    ['Europe/Berlin', '2026-09-22T00:00:00Z'],
    ['America/New_York', '2026-09-22T06:00:00Z'],
    ['Asia/Kathmandu', '2026-09-21T20:15:00Z'],
  ] as const) {
    assert.equal(next('TUESDAY', '02:00', zone, '2026-09-20T00:00:00Z'), start, zone);
  }
});

test('the hour of the zone stays when its clocks change', () => {
  assert.equal(next('SUNDAY', '12:00', 'Europe/Berlin', '2026-03-21T00:00:00Z'), '2026-03-22T11:00:00Z');
  assert.equal(next('SUNDAY', '12:00', 'Europe/Berlin', '2026-03-28T00:00:00Z'), '2026-03-29T10:00:00Z');
});

test('a start that does not exist is the end of the gap, and one that exists twice is the first', () => {
  for (const time of ['02:00', '02:30', '02:59']) {
    assert.equal(next('SUNDAY', time, 'Europe/Berlin', '2026-03-28T00:00:00Z'), '2026-03-29T01:00:00Z', time);
  }
  assert.equal(next('SUNDAY', '02:10', 'Australia/Lord_Howe', '2026-10-01T00:00:00Z'), '2026-10-03T15:30:00Z');
  assert.equal(next('SUNDAY', '02:30', 'Europe/Berlin', '2026-10-24T00:00:00Z'), '2026-10-25T00:30:00Z');
});

test('a window that opens this very moment is not the next one, and is open for two hours', () => {
  const window = { dayOfWeek: 'TUESDAY', timeOfDay: '06:31', timeZone: 'UTC' };
  const opens = Date.parse('2026-09-22T06:31:00Z');
  assert.equal(nextOpening(window, opens), Date.parse('2026-09-29T06:31:00Z'));
  assert.equal(openUntil(window, opens - 1), undefined);
  assert.equal(openUntil(window, opens), opens + 7_200_000);
  assert.equal(openUntil(window, opens + 7_199_999), opens + 7_200_000);
  assert.equal(openUntil(window, opens + 7_200_000), undefined);
});

test('what is no window has no opening', () => {
  assert.equal(next('NODAY', '02:00', 'UTC', '2026-09-20T00:00:00Z'), undefined);
  assert.equal(next('MONDAY', '25:00', 'UTC', '2026-09-20T00:00:00Z'), undefined);
  assert.equal(next('MONDAY', '02:00', 'Mars/Olympus', '2026-09-20T00:00:00Z'), undefined);
  assert.deepEqual(['UTC', '+14:00', '+15', 'CET', ''].map(isZone), [true, true, false, true, false]);
});

test('the same window is told on the clocks of two zones', () => {
  const opens = Date.parse('2026-09-22T23:30:00Z');
  assert.equal(windowText(opens, 'UTC'), 'Tuesday 23:30–01:30');
  assert.equal(windowText(opens, 'Europe/Berlin'), 'Wednesday 01:30–03:30');
  assert.equal(windowText(opens, '-11:30'), 'Tuesday 12:00–14:00');
  assert.match(momentText(opens, 'Europe/Berlin'), /Wednesday.* 23 September.* 01:30/);
});
