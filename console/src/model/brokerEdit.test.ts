import assert from 'node:assert/strict';
import test from 'node:test';
import { changedFields, draftFaults, draftOf, fieldOf, rebased, staleFields, updateOf } from './brokerEdit';
import { activemq, rabbitmq } from './testBrokers';

test('a form that was not touched sends nothing', () => {
  const base = draftOf(activemq());
  assert.deepEqual(updateOf(base, { ...base }, 'ActiveMQ'), {});
  assert.deepEqual(changedFields(base, { ...base }, 'ActiveMQ'), []);
});

test('only what was changed is sent', () => {
  const base = draftOf(activemq());
  const draft = { ...base, engineVersion: '5.19', auditLogs: true, timeOfDay: '07:00' };
  assert.deepEqual(updateOf(base, draft, 'ActiveMQ'), {
    engineVersion: '5.19',
    logs: { audit: true },
    maintenanceWindowStartTime: { dayOfWeek: 'TUESDAY', timeOfDay: '07:00', timeZone: 'UTC' },
  });
  assert.deepEqual(changedFields(base, draft, 'ActiveMQ'), [
    { field: 'engineVersion', from: '5.18', to: '5.19', isImmediate: false },
    { field: 'auditLogs', from: false, to: true, isImmediate: false },
    { field: 'maintenanceWindow', from: 'TUESDAY 06:31 UTC', to: 'TUESDAY 07:00 UTC', isImmediate: true },
  ]);
});

test('RabbitMQ changes its logs at once, and a size is a number', () => {
  const base = draftOf(rabbitmq());
  const draft = { ...base, generalLogs: true, storageSize: '25' };
  assert.deepEqual(updateOf(base, draft, 'RabbitMQ'), { logs: { general: true }, storageSize: 25 });
  assert.deepEqual(
    changedFields(base, draft, 'RabbitMQ').map((one) => one.isImmediate),
    [false, true],
  );
});

test('a form begins with what waits, so that going back takes it back', () => {
  const base = draftOf(activemq({ pendingEngineVersion: '5.19' }));
  assert.equal(base.engineVersion, '5.19');
  assert.deepEqual(updateOf(base, { ...base, engineVersion: '5.18' }, 'ActiveMQ'), { engineVersion: '5.18' });
});

test('a directory is sent as a whole, with its password, when one member changes', () => {
  const base = draftOf(activemq());
  const ldap = {
    ...base.ldap,
    hosts: 'one.example two.example',
    userBase: ' ou=users ',
    userSearchMatching: '(uid={0})',
    roleBase: 'ou=roles',
    roleSearchMatching: '(member={0})',
    roleSearchSubtree: true,
    serviceAccountUsername: 'cn=svc',
  };
  const draft = { ...base, authenticationStrategy: 'ldap', ldap, ldapPassword: 'secret' };
  assert.deepEqual(updateOf(base, draft, 'ActiveMQ'), {
    authenticationStrategy: 'LDAP',
    ldapServerMetadata: {
      hosts: ['one.example', 'two.example'],
      userBase: 'ou=users',
      userSearchMatching: '(uid={0})',
      userSearchSubtree: false,
      roleBase: 'ou=roles',
      roleSearchMatching: '(member={0})',
      roleSearchSubtree: true,
      serviceAccountUsername: 'cn=svc',
      serviceAccountPassword: 'secret',
    },
  });
  // Back to simple: the directory goes with its strategy, and is not sent.
  assert.deepEqual(updateOf(draft, { ...draft, authenticationStrategy: 'simple' }, 'ActiveMQ'), {
    authenticationStrategy: 'SIMPLE',
  });
});

test('what somebody else changed meanwhile is told, with what the form would make of it', () => {
  const base = draftOf(activemq());
  const latest = draftOf(activemq({ pendingEngineVersion: '5.20', pendingHostInstanceType: 'mq.m5.xlarge' }));
  const draft = { ...base, engineVersion: '5.19', generalLogs: true };
  assert.deepEqual(staleFields(base, latest, draft), [
    { field: 'engineVersion', before: '5.18', now: '5.20', mine: '5.19' },
    { field: 'hostInstanceType', before: 'mq.m5.large', now: 'mq.m5.xlarge' },
  ]);
  assert.deepEqual(staleFields(base, base, draft), []);
});

test('a form on top of the changed broker overwrites only what the person insists on', () => {
  const base = draftOf(activemq());
  const latest = draftOf(activemq({ pendingEngineVersion: '5.20', pendingHostInstanceType: 'mq.m5.xlarge' }));
  const draft = { ...base, engineVersion: '5.19', generalLogs: true };
  const mine = rebased(base, latest, draft);
  assert.deepEqual(updateOf(latest, mine, 'ActiveMQ'), { engineVersion: '5.19', logs: { general: true } });
  const theirs = rebased(base, latest, draft, true);
  assert.equal(theirs.engineVersion, '5.20');
  assert.deepEqual(updateOf(latest, theirs, 'ActiveMQ'), { logs: { general: true } });
});

test('the server’s attribute is a field of the form', () => {
  assert.equal(fieldOf('ldapServerMetadata.hosts'), 'ldap.hosts');
  assert.equal(fieldOf('maintenanceWindowStartTime.timeOfDay'), 'timeOfDay');
  assert.equal(fieldOf('logs.audit'), 'auditLogs');
  assert.equal(fieldOf('engineVersion'), 'engineVersion');
  assert.equal(fieldOf(undefined), undefined);
});

test('what is wrong with a form is said of its field before the server is asked', () => {
  const base = draftOf(activemq());
  assert.deepEqual(draftFaults(base, base), {});
  const wrong = { ...base, storageSize: '12', timeOfDay: '24:00', timeZone: ' ' };
  assert.deepEqual(draftFaults(base, wrong), { storageSize: 'SIZE', timeOfDay: 'TIME', timeZone: 'REQUIRED' });
  const ldap = draftFaults(base, {
    ...base,
    authenticationStrategy: 'ldap',
    ldap: { ...base.ldap, hosts: 'a.example' },
  });
  assert.deepEqual(Object.keys(ldap).sort(), [
    'ldap.roleBase',
    'ldap.roleSearchMatching',
    'ldap.serviceAccountUsername',
    'ldap.userBase',
    'ldap.userSearchMatching',
    'ldapPassword',
  ]);
});
