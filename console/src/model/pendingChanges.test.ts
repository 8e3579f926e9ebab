import assert from 'node:assert/strict';
import test from 'node:test';
import { activemq, rabbitmq } from './testBrokers';
import { pendingChanges, targetOf } from './pendingChanges';

test('a broker for which nothing waits has no pending change and is its own target', () => {
  assert.deepEqual(pendingChanges(activemq()), []);
  assert.deepEqual(targetOf(activemq()), {
    engineVersion: '5.18',
    hostInstanceType: 'mq.m5.large',
    storageSize: 0,
    configuration: { id: 'c-1', revision: 2 },
    authenticationStrategy: 'simple',
    ldap: undefined,
    generalLogs: false,
    auditLogs: false,
  });
});

test('each member that waits stands beside the one in force', () => {
  const broker = activemq({
    pendingEngineVersion: '5.19',
    pendingHostInstanceType: 'mq.m5.xlarge',
    configurations: { current: { id: 'c-1', revision: 2 }, pending: { id: 'c-1', revision: 3 }, history: [] },
    logs: {
      general: false,
      audit: false,
      generalLogGroup: 'g',
      auditLogGroup: 'a',
      pending: { general: true, audit: false },
    },
    users: [
      { username: 'amy' },
      { username: 'bob', pendingChange: 'CREATE' },
      { username: 'cyd', pendingChange: 'DELETE' },
    ],
  });
  assert.deepEqual(pendingChanges(broker), [
    { field: 'engineVersion', now: '5.18', then: '5.19' },
    { field: 'hostInstanceType', now: 'mq.m5.large', then: 'mq.m5.xlarge' },
    { field: 'configuration', now: 'c-1 revision 2', then: 'c-1 revision 3' },
    { field: 'generalLogs', now: false, then: true },
    { field: 'user', now: false, then: 'CREATE', name: 'bob' },
    { field: 'user', now: true, then: 'DELETE', name: 'cyd' },
  ]);
  assert.equal(targetOf(broker).generalLogs, true);
});

test('a directory shows the members that differ, and its password only as changed', () => {
  const now = {
    hosts: ['one.example'],
    userBase: 'u',
    userSearchMatching: '(uid={0})',
    roleBase: 'r',
    roleSearchMatching: '(m={0})',
    serviceAccountUsername: 'cn=svc',
  };
  const ldap = { authenticationStrategy: 'ldap' as const, ldapServerMetadata: now };
  const other = activemq({ ...ldap, pendingLdapServerMetadata: { ...now, hosts: ['one.example', 'two.example'] } });
  assert.deepEqual(pendingChanges(other), [
    { field: 'ldapServerMetadata', name: 'hosts', now: 'one.example', then: 'one.example, two.example' },
  ]);
  const [only] = pendingChanges(activemq({ ...ldap, pendingLdapServerMetadata: now }));
  assert.equal(only?.name, 'serviceAccountPassword');
  const leaving = activemq({ ...ldap, pendingAuthenticationStrategy: 'simple' as const });
  assert.equal(targetOf(leaving).ldap, undefined);
});

test('a pending storage size of 0 is the default of the instance type', () => {
  const broker = rabbitmq({ storageSize: 25, pendingStorageSize: 0 });
  assert.deepEqual(pendingChanges(broker), [{ field: 'storageSize', now: 25, then: 0 }]);
  assert.equal(targetOf(broker).storageSize, 0);
});
