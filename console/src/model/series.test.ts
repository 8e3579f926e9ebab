import assert from 'node:assert/strict';
import test from 'node:test';
import { drawn, pointsOf, rows, segments } from './series';

const at = (...minutes: number[]) => minutes.map((minute) => ({ at: minute * 60_000, value: minute }));
const minutes = (parts: { at: number }[][]) => parts.map((part) => part.map((point) => point.at / 60_000));

test('a period without a value is a gap between two lines', () => {
  assert.deepEqual(minutes(segments(at(0, 1, 2, 5, 6, 9), 60)), [[0, 1, 2], [5, 6], [9]]);
  assert.deepEqual(minutes(segments(at(0, 5, 10, 20), 300)), [[0, 5, 10], [20]]);
  assert.deepEqual(segments([], 60), []);
});

test('zeros are values, and no gaps', () => {
  const zeros = [0, 1, 2].map((minute) => ({ at: minute * 60_000, value: 0 }));
  assert.equal(segments(zeros, 60).length, 1);
});

test('a table has the newest row first, and rows without values where nothing was measured', () => {
  const table = rows(
    [
      { label: 'a', points: at(0, 1, 3) },
      { label: 'b', points: at(1) },
    ],
    60,
  );
  assert.deepEqual(
    table.map((row) => [row.at / 60_000, ...row.values]),
    [
      [3, 3, undefined],
      [2, undefined, undefined],
      [1, 1, 1],
      [0, 0, undefined],
    ],
  );
  assert.deepEqual(rows([{ label: 'a', points: [] }], 60), []);
});

test('points of an answer are sorted, and what is no number is left out', () => {
  const points = pointsOf({ Timestamps: [120, 60, 180], Values: [2, 0, 'NaN'] });
  assert.deepEqual(points, [
    { at: 60_000, value: 0 },
    { at: 120_000, value: 2 },
  ]);
});

test('a point between two gaps is drawn as a short line, and other parts as they are', () => {
  const point = (at: number) => ({ at, value: 7 });
  assert.deepEqual(drawn([point(100)], 30), [point(70), point(130)]);
  assert.deepEqual(drawn([point(100), point(160)], 30), [point(100), point(160)]);
  assert.deepEqual(drawn([], 30), []);
});
