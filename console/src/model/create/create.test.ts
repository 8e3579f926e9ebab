import assert from 'node:assert/strict';
import test from 'node:test';
import { text } from '../../text';
import { roomFor } from './capacity';
import { type Draft, newDraft, newUser, requestOf } from './draft';
import { compareVersions, engines, fitted, hosts, type InstanceOption, modes, storages, versions } from './options';
import { hasEntries, hasField, localProblems, stepOf, withServer } from './problems';

const row = (engineType: string, host: string, storage: string, of: string[], names: string[]): InstanceOption => ({
  engineType,
  hostInstanceType: host,
  storageType: storage,
  supportedDeploymentModes: of,
  supportedEngineVersions: names,
});
const PAIR = ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ'];
const CLUSTER = ['SINGLE_INSTANCE', 'CLUSTER_MULTI_AZ'];
const OPTIONS = [
  row('ACTIVEMQ', 'mq.t3.micro', 'efs', PAIR, ['5.19', '5.18']),
  row('ACTIVEMQ', 'mq.m5.large', 'efs', PAIR, ['5.19', '5.18']),
  row('ACTIVEMQ', 'mq.m5.xlarge', 'ebs', ['SINGLE_INSTANCE'], ['5.19', '5.18']),
  row('ACTIVEMQ', 'mq.m5.large', 'ebs', ['SINGLE_INSTANCE'], ['5.19', '5.18']),
  row('RABBITMQ', 'mq.m5.large', 'ebs', CLUSTER, ['3.10']),
  row('RABBITMQ', 'mq.m7g.medium', 'ebs', CLUSTER, ['4.3', '4.0', '3.10']),
  row('RABBITMQ', 'mq.m7g.large', 'ebs', CLUSTER, ['4.3', '4.0', '3.10']),
];
const valid = (changes: Partial<Draft> = {}): Draft => ({
  ...fitted(newDraft(), OPTIONS),
  brokerName: 'orders',
  users: [{ ...newUser(0), username: 'alice', password: 'correct-horse-battery' }],
  ...changes,
});
const found = (draft: Draft) => localProblems(draft).map(({ attribute, message }) => `${attribute}: ${message}`);

test('the choices are those that go together', () => {
  assert.deepEqual(engines(OPTIONS), ['ACTIVEMQ', 'RABBITMQ']);
  assert.deepEqual(modes(OPTIONS, 'ACTIVEMQ'), PAIR);
  assert.deepEqual(modes(OPTIONS, 'RABBITMQ'), CLUSTER);
  assert.deepEqual(storages(OPTIONS, 'ACTIVEMQ', 'SINGLE_INSTANCE'), ['EFS', 'EBS']);
  assert.deepEqual(storages(OPTIONS, 'ACTIVEMQ', 'ACTIVE_STANDBY_MULTI_AZ'), ['EFS']);
  const rabbit = fitted({ ...newDraft(), engineType: 'RABBITMQ' }, OPTIONS);
  assert.deepEqual(versions(OPTIONS, rabbit), ['4.3', '4.0', '3.10']);
  assert.deepEqual(hosts(OPTIONS, rabbit), ['mq.m7g.medium', 'mq.m7g.large']);
  assert.deepEqual(hosts(OPTIONS, { ...rabbit, engineVersion: '3.10' }), [
    'mq.m5.large',
    'mq.m7g.medium',
    'mq.m7g.large',
  ]);
});

test('versions are compared as numbers', () => {
  assert.ok(compareVersions('3.13', '3.9') > 0);
  assert.ok(compareVersions('4.0', '3.13') > 0);
  assert.equal(compareVersions('5.19', '5.19'), 0);
});

test('what does not fit an earlier choice is replaced, everything else stays', () => {
  const subnetIds = 'subnet-a subnet-b';
  const pair = fitted({ ...valid(), deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ', subnetIds }, OPTIONS);
  assert.equal(pair.hostInstanceType, 'mq.m5.large');
  const rabbit = fitted({ ...pair, engineType: 'RABBITMQ' }, OPTIONS);
  assert.deepEqual(
    [rabbit.deploymentMode, rabbit.storageType, rabbit.engineVersion, rabbit.hostInstanceType, rabbit.subnetIds],
    ['SINGLE_INSTANCE', 'EBS', '4.3', 'mq.m7g.large', ''],
  );
  assert.deepEqual([rabbit.brokerName, rabbit.users], [pair.brokerName, pair.users]);
  const small = fitted({ ...valid(), hostInstanceType: 'mq.t3.micro' }, OPTIONS);
  assert.equal(small.hostInstanceType, 'mq.t3.micro');
  assert.equal(fitted({ ...small, storageType: 'EBS' }, OPTIONS).hostInstanceType, 'mq.m5.large');
  const cluster = fitted({ ...rabbit, deploymentMode: 'CLUSTER_MULTI_AZ', storageSize: '20' }, OPTIONS);
  assert.equal(cluster.storageSize, '20');
  assert.equal(fitted({ ...cluster, engineVersion: '4.0' }, OPTIONS).storageSize, '');
});

test('a configuration is forgotten when the engine or the version changes', () => {
  const chosen = { id: 'c-1', revision: 1 };
  const with519 = valid({ configuration: 'EXISTING', chosenConfiguration: chosen });
  assert.deepEqual(fitted(with519, OPTIONS).chosenConfiguration, chosen);
  const rabbit = fitted({ ...with519, engineType: 'RABBITMQ' }, OPTIONS);
  assert.equal(rabbit.chosenConfiguration, undefined);
});

test('new versions have to take minor upgrades', () => {
  const refused = { ...valid(), autoMinorVersionUpgrade: false };
  assert.equal(fitted(refused, OPTIONS).autoMinorVersionUpgrade, true);
  const old = { ...refused, engineType: 'RABBITMQ' as const, engineVersion: '3.10' };
  assert.equal(fitted(old, OPTIONS).autoMinorVersionUpgrade, false);
});

test('the request has what was chosen, and leaves the rest to the service', () => {
  assert.deepEqual(requestOf(valid()), {
    brokerName: 'orders',
    engineType: 'ACTIVEMQ',
    engineVersion: '5.19',
    deploymentMode: 'SINGLE_INSTANCE',
    hostInstanceType: 'mq.m5.large',
    storageType: 'EFS',
    publiclyAccessible: false,
    autoMinorVersionUpgrade: true,
    users: [{ username: 'alice', password: 'correct-horse-battery', consoleAccess: true }],
  });
  const rabbit = fitted(valid({ engineType: 'RABBITMQ', generalLogs: true, auditLogs: true }), OPTIONS);
  const request = requestOf({ ...rabbit, publiclyAccessible: true, securityGroups: ['sg-1'] });
  assert.deepEqual(request.users, [{ username: 'alice', password: 'correct-horse-battery' }]);
  assert.deepEqual(request.logs, { general: true });
  assert.equal(request.securityGroups, undefined);
  assert.deepEqual(requestOf({ ...rabbit, securityGroups: ['sg-1'] }).securityGroups, ['sg-1']);
  assert.deepEqual(requestOf(valid({ auditLogs: true })).logs, { general: false, audit: true });
  assert.deepEqual(requestOf(valid({ encryption: 'MANAGED' })).encryptionOptions, { useAwsOwnedKey: false });
  assert.equal(requestOf(valid({ storageSize: '10' })).storageSize, undefined);
});

test('nobody needs a user where a directory or the configuration authenticates', () => {
  assert.equal(requestOf(valid({ authenticationStrategy: 'LDAP' })).users, undefined);
  assert.equal(requestOf(valid({ authenticationStrategy: 'LDAP' })).authenticationStrategy, 'LDAP');
  const managed = fitted(valid({ engineType: 'RABBITMQ', users: [newUser(0)] }), OPTIONS);
  assert.equal(requestOf(managed).users?.length, 1);
  const chosen: Partial<Draft> = {
    configuration: 'EXISTING',
    chosenConfiguration: { id: 'c-1', revision: 2 },
  };
  assert.equal(requestOf({ ...managed, ...chosen }).users, undefined);
  assert.deepEqual(found({ ...managed, ...chosen }), []);
});

test('a complete draft has no problems, an empty one lacks a name and a user', () => {
  assert.deepEqual(found(valid()), []);
  assert.deepEqual(
    localProblems(fitted(newDraft(), OPTIONS)).map(({ attribute }) => attribute),
    ['brokerName', 'username', 'password'],
  );
});

test('obvious mistakes are seen at once', () => {
  const { wrong } = text.create;
  const user = { ...newUser(0), username: 'alice', password: 'correct-horse-battery' };
  const cases: [Partial<Draft>, string][] = [
    [{ brokerName: 'x'.repeat(51) }, `brokerName: ${wrong.nameLength}`],
    [{ brokerName: 'a b' }, `brokerName: ${wrong.nameCharacters}`],
    [{ users: [{ ...user, username: 'a' }] }, `username: ${wrong.username('- . _ ~')}`],
    [{ users: [user, { ...user, key: 1 }] }, `username: ${wrong.sameUser}`],
    [{ users: [{ ...user, password: 'short' }] }, `password: ${wrong.password}`],
    [{ users: [{ ...user, groups: 'admins, x' }] }, `groups: ${wrong.group('x')}`],
    [
      { users: [{ ...user, groups: Array.from({ length: 21 }, (_, at) => `group${at}`).join() }] },
      `groups: ${wrong.tooManyGroups(20)}`,
    ],
    [{ configuration: 'EXISTING' }, `configuration: ${wrong.noConfiguration}`],
    [{ configuration: 'NEW' }, `configuration: ${wrong.newConfiguration}`],
    [{ securityGroups: ['default'] }, `securityGroups: ${wrong.securityGroup('default')}`],
    [{ securityGroups: [1, 2, 3, 4, 5, 6].map((n) => `sg-${n}`) }, `securityGroups: ${wrong.tooManySecurityGroups(5)}`],
    [{ subnetIds: 'net-1' }, `subnetIds: ${wrong.subnet('net-1')}`],
    [{ subnetIds: 'subnet-1 subnet-2' }, `subnetIds: ${wrong.subnetCount(1)}`],
    [{ deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ', subnetIds: 'subnet-1' }, `subnetIds: ${wrong.subnetCount(2)}`],
    [{ deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ', subnetIds: 'subnet-1,subnet-1' }, `subnetIds: ${wrong.sameSubnet}`],
    [{ encryption: 'CUSTOMER' }, `encryptionOptions.kmsKeyId: ${wrong.required}`],
    [{ window: 'CHOSEN', timeOfDay: '24:00' }, `maintenanceWindowStartTime.timeOfDay: ${wrong.time}`],
    [{ tags: [{ key: '', value: 'x' }] }, `tags: ${wrong.tagKey}`],
    [{ tags: [{ key: 'AWS:x', value: '' }] }, `tags: ${wrong.reservedTag}`],
    [
      {
        tags: [
          { key: 'a', value: '' },
          { key: 'a', value: '1' },
        ],
      },
      `tags: ${wrong.sameTag}`,
    ],
    [{ tags: [{ key: 'a', value: 'x'.repeat(257) }] }, `tags: ${wrong.tagValue}`],
    [{ tags: Array.from({ length: 51 }, (_, at) => ({ key: `k${at}`, value: '' })) }, `tags: ${wrong.tooManyTags(50)}`],
  ];
  for (const [changes, expected] of cases) assert.deepEqual(found(valid(changes)), [expected]);
  const rabbit = fitted(valid({ engineType: 'RABBITMQ', users: [{ ...user, username: 'Guest' }] }), OPTIONS);
  assert.deepEqual(found(rabbit), [`username: ${wrong.guest}`]);
  const tilde = { ...rabbit, users: [{ ...user, username: 'a~b' }] };
  assert.deepEqual(found(tilde), [`username: ${wrong.username('- . _')}`]);
  const cluster = fitted({ ...rabbit, users: [user], deploymentMode: 'CLUSTER_MULTI_AZ' }, OPTIONS);
  assert.deepEqual(found({ ...cluster, storageSize: 'much' }), [`storageSize: ${wrong.storageSize}`]);
  assert.deepEqual(found({ ...cluster, subnetIds: 'subnet-a' }), []);
  const seven = [1, 2, 3, 4, 5, 6, 7].map((n) => `subnet-${n}`).join(' ');
  assert.deepEqual(found({ ...cluster, subnetIds: seven }), [`subnetIds: ${wrong.tooManySubnets(6)}`]);
  assert.deepEqual(
    localProblems(valid({ authenticationStrategy: 'LDAP' })).map(({ attribute }) => attribute),
    [
      'hosts',
      'serviceAccountUsername',
      'serviceAccountPassword',
      'userBase',
      'userSearchMatching',
      'roleBase',
      'roleSearchMatching',
    ].map((name) => `ldapServerMetadata.${name}`),
  );
});

test('the server adds what this console does not see', () => {
  const draft = valid();
  const taken = { attribute: 'brokerName', message: 'Taken.' };
  assert.deepEqual(withServer([], [taken], draft), [taken]);
  const local = localProblems(valid({ brokerName: '' }));
  assert.deepEqual(withServer(local, [taken], draft), local);
  const user = { attribute: 'username', message: 'No.' };
  assert.deepEqual(withServer([], [user], draft), [{ ...user, user: 0 }]);
  const two = valid({ users: [...draft.users, { ...newUser(1), username: 'bob', password: 'x' }] });
  assert.deepEqual(withServer([], [user], two), [user]);
  const password = localProblems(two);
  assert.deepEqual(withServer(password, [user], two), password);
  const ofSecond = { attribute: 'users[1].password', message: 'Weak.' };
  assert.deepEqual(withServer([], [ofSecond], two), [{ attribute: 'password', message: 'Weak.', user: 1 }]);
  assert.deepEqual(withServer(password, [ofSecond], two), password);
  const ofFirst = { attribute: 'users[0].username', message: 'Odd.' };
  const odd = { attribute: 'username', message: 'Odd.', user: 0 };
  assert.deepEqual(withServer(password, [ofFirst], two).slice(1), [odd]);
  assert.deepEqual(withServer([], [{ message: 'Overall.' }], draft), [{ attribute: '', message: 'Overall.' }]);
});

test('every attribute is in the step that has its field', () => {
  assert.deepEqual(['engineType', 'storageType', 'brokerName', ''].map(stepOf), [
    'ENGINE',
    'DEPLOYMENT',
    'SETTINGS',
    'SETTINGS',
  ]);
  assert.ok(hasField({ attribute: 'encryptionOptions.kmsKeyId', message: '' }));
  assert.ok(!hasField({ attribute: '', message: '' }));
  assert.ok(!hasField({ attribute: 'creatorRequestId', message: '' }));
});

test('leaving asks only when something was entered', () => {
  assert.equal(hasEntries(fitted(newDraft(), OPTIONS)), false);
  assert.equal(hasEntries({ ...newDraft(), tags: [{ key: '', value: '' }] }), false);
  assert.equal(hasEntries({ ...newDraft(), tags: [{ key: 'a', value: '' }] }), true);
  assert.equal(hasEntries({ ...newDraft(), brokerName: 'x' }), true);
  assert.equal(hasEntries({ ...newDraft(), users: [{ ...newUser(0), password: 'x' }] }), true);
  assert.equal(hasEntries({ ...newDraft(), ldap: { ...newDraft().ldap, userBase: 'x' } }), true);
});

test('the room for a broker is what quotas and the host leave', () => {
  const GIB = 2 ** 30;
  const usage = { brokers: { used: 2 }, memoryMib: { used: 1024 }, waitSeconds: 600, scale: 0.5 };
  const pair = { hostInstanceType: 'mq.m5.large', deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' as const };
  assert.deepEqual(roomFor(pair, usage), {
    neededBytes: 8 * GIB,
    isHostFull: false,
    hasNoBrokersLeft: false,
    hasNoMemoryLeft: false,
  });
  const host = { usableMemoryBytes: 10 * GIB, reservedMemoryBytes: 2 * GIB, waitingMemoryBytes: 0 };
  assert.equal(roomFor(pair, { ...usage, host }).isHostFull, false);
  const waiting = roomFor(pair, { ...usage, host: { ...host, waitingMemoryBytes: 1 } });
  assert.deepEqual([waiting.isHostFull, waiting.freeBytes], [true, 8 * GIB - 1]);
  const limited = roomFor(pair, { ...usage, brokers: { used: 2, quota: 2 }, memoryMib: { used: 1, quota: 16384 } });
  assert.deepEqual([limited.hasNoBrokersLeft, limited.hasNoMemoryLeft], [true, true]);
  const exact = roomFor(pair, { ...usage, brokers: { used: 1, quota: 2 }, memoryMib: { used: 0, quota: 16384 } });
  assert.deepEqual([exact.hasNoBrokersLeft, exact.hasNoMemoryLeft], [false, false]);
  assert.equal(roomFor({ ...pair, hostInstanceType: 'mq.new' }, usage).neededBytes, 0);
});
