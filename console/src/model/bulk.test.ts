import assert from 'node:assert/strict';
import test from 'node:test';
import { forEach, type Outcome } from './bulk';

test('every item is done, a few at a time, and a failure stops no other', async () => {
  let running = 0;
  let most = 0;
  const told: [number, string][] = [];
  const outcomes = await forEach(
    [1, 2, 3, 4, 5],
    async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (item === 3) throw new Error('not this one');
    },
    { atOnce: 2, onOutcome: (at, { kind }) => told.push([at, kind]) },
  );
  assert.equal(most, 2);
  const kinds = ['done', 'done', 'failed', 'done', 'done'];
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    kinds,
  );
  assert.deepEqual(outcomes[2], { kind: 'failed', why: 'not this one' } satisfies Outcome);
  assert.deepEqual(
    told.filter(([at]) => at === 2),
    [
      [2, 'running'],
      [2, 'failed'],
    ],
  );
});

test('what passes is attempted again, but not for ever', async () => {
  let calls = 0;
  const pauses: number[] = [];
  const options = {
    attempts: 3,
    isPassing: (error: unknown) => (error as Error).message === 'busy',
    pause: async (attempt: number) => void pauses.push(attempt),
    onOutcome: () => undefined,
  };
  const busy = async () => {
    calls += 1;
    throw new Error('busy');
  };
  assert.deepEqual(await forEach(['a'], busy, options), [{ kind: 'failed', why: 'busy' }]);
  assert.equal(calls, 3);
  assert.deepEqual(pauses, [1, 2]);
  let left = 1;
  const once = async () => {
    if (left-- > 0) throw new Error('busy');
  };
  assert.deepEqual(await forEach(['a'], once, options), [{ kind: 'done' }]);
  assert.deepEqual(await forEach([], busy, options), []);
});
