import assert from 'node:assert/strict';
import test from 'node:test';
import { afterReboot, changesOf, isSame } from './brokerUser';

const user = { brokerId: 'b-1', username: 'ann', consoleAccess: false, groups: ['b', 'a'], replicationUser: false };

test('a form begins with what a user will be after the next reboot', () => {
  assert.deepEqual(afterReboot(user), { groups: ['a', 'b'], consoleAccess: false });
  const pending = { consoleAccess: true, groups: ['c'], pendingChange: 'UPDATE' as const };
  assert.deepEqual(afterReboot({ ...user, pending }), { groups: ['c'], consoleAccess: true });
});

test('a form sends only what was changed', () => {
  const base = afterReboot(user);
  assert.deepEqual(changesOf(base, { password: '', groups: 'b a', consoleAccess: false }), {});
  assert.deepEqual(changesOf(base, { password: 'x', groups: 'a', consoleAccess: true }), {
    password: 'x',
    groups: ['a'],
    consoleAccess: true,
  });
  assert.deepEqual(changesOf(base, { password: '', groups: '', consoleAccess: false }), { groups: [] });
});

test('two readings differ when anything that can be seen does', () => {
  const base = afterReboot(user);
  assert.ok(isSame(base, { groups: ['a', 'b'], consoleAccess: false }));
  assert.ok(!isSame(base, { groups: ['a'], consoleAccess: false }));
  assert.ok(!isSame(base, { groups: ['a', 'b'], consoleAccess: true }));
});
