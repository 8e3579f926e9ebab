import assert from 'node:assert/strict';
import test from 'node:test';
import { duration, relative } from './time';

test('a time is told in its largest unit', () => {
  assert.equal(relative(0, 5 * 60_000), '5 minutes ago');
  assert.equal(relative(0, 60_000), '1 minute ago');
  assert.equal(relative(7_200_000, 0), 'in 2 hours');
  assert.equal(relative(0, 200), 'now');
});

test('a length of time is told in its two largest units', () => {
  assert.equal(duration(87), '87 ms');
  assert.equal(duration(2_431), '2.4 s');
  assert.equal(duration(3_900_000), '1 h 5 min');
  assert.equal(duration(86_400_000), '1 d');
});
