import assert from 'node:assert/strict';
import test from 'node:test';
import type { Schemas } from '../api/client';
import { isPending, nextWindow, pendingOf, rebootEffect } from './pending';

type Broker = Schemas['DescribeBrokerResponse'];

const broker = (change: Partial<Broker> = {}) =>
  ({
    deploymentMode: 'SINGLE_INSTANCE',
    engineVersion: '5.18',
    hostInstanceType: 'mq.t3.micro',
    authenticationStrategy: 'simple',
    configurations: { current: { id: 'c-1', revision: 1 }, history: [] },
    logs: { general: true, audit: false, generalLogGroup: '' },
    users: [{ username: 'admin' }],
    ...change,
  }) as Broker;

test('a broker for which nothing waits has nothing pending', () => {
  assert.deepEqual(pendingOf(broker()), { changes: [], users: [] });
  assert.equal(isPending(pendingOf(broker())), false);
});

test('everything that waits is told with what it replaces', () => {
  const pending = pendingOf(
    broker({
      pendingEngineVersion: '5.19',
      pendingHostInstanceType: 'mq.m5.large',
      pendingAuthenticationStrategy: 'ldap',
      pendingLdapServerMetadata: { hosts: ['a', 'b'] } as Schemas['LdapServerMetadataView'],
      pendingStorageSize: 0,
      storageSize: 25,
      configurations: { current: { id: 'c-1', revision: 1 }, history: [], pending: { id: 'c-1', revision: 3 } },
      logs: { general: true, audit: false, generalLogGroup: '', pending: { general: true, audit: true } },
      users: [{ username: 'admin' }, { username: 'carol', pendingChange: 'CREATE' }],
    }),
  );
  assert.deepEqual(
    pending.changes.map(({ what, now, after }) => [what, now, after]),
    [
      ['engineVersion', '5.18', '5.19'],
      ['hostInstanceType', 'mq.t3.micro', 'mq.m5.large'],
      ['configuration', 'c-1:1', 'c-1:3'],
      ['authentication', 'simple', 'ldap'],
      ['directory', '', 'a, b'],
      ['logs', 'general', 'general, audit'],
      ['storageSize', '25 GB', ''],
    ],
  );
  assert.deepEqual(pending.users, [{ username: 'carol', change: 'CREATE' }]);
});

test('a user that changes is enough to be pending', () => {
  assert.ok(isPending(pendingOf(broker({ users: [{ username: 'x', pendingChange: 'DELETE' }] }))));
});

test('what clients notice of a reboot depends on the deployment and on what waits', () => {
  assert.equal(rebootEffect(broker()), 'single');
  assert.equal(rebootEffect(broker({ deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' })), 'pair');
  assert.equal(rebootEffect(broker({ deploymentMode: 'CLUSTER_MULTI_AZ' })), 'cluster');
  assert.equal(rebootEffect(broker({ deploymentMode: 'CLUSTER_MULTI_AZ', pendingEngineVersion: '4.3' })), 'together');
});

test('the next maintenance window is in the zone that it was written in', () => {
  // A Saturday.
  const now = Date.UTC(2026, 10, 28, 12, 0);
  const next = (dayOfWeek: string, timeOfDay: string, timeZone: string) =>
    new Date(nextWindow({ dayOfWeek, timeOfDay, timeZone }, now) ?? Number.NaN).toISOString();
  assert.equal(next('SATURDAY', '12:30', 'UTC'), '2026-11-28T12:30:00.000Z');
  assert.equal(next('SATURDAY', '11:30', 'UTC'), '2026-12-05T11:30:00.000Z');
  assert.equal(next('MONDAY', '06:00', 'Europe/Berlin'), '2026-11-30T05:00:00.000Z');
  assert.equal(next('SUNDAY', '00:30', 'Asia/Tokyo'), '2026-11-28T15:30:00.000Z');
  assert.equal(next('SUNDAY', '01:00', '+05:30'), '2026-11-28T19:30:00.000Z');
  assert.equal(nextWindow({ dayOfWeek: 'MONDAY', timeOfDay: '06:00', timeZone: 'Nowhere/Else' }, now), undefined);
});

test('a window after the clocks were changed keeps its time of day', () => {
  const now = Date.UTC(2026, 9, 24, 12, 0);
  const window = { dayOfWeek: 'SUNDAY', timeOfDay: '22:00', timeZone: 'Europe/Berlin' };
  assert.equal(new Date(nextWindow(window, now) ?? 0).toISOString(), '2026-10-25T21:00:00.000Z');
});
