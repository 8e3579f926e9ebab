// Brokers and what the tabs read beside them, as the server answers.
import { refused, startServer } from './support/index.mjs';

export const ID = 'b-1234a5b6-78cd-401e-af00-314506001789';
export const CONFIGURATION = 'c-00000000-0000-4000-8000-000000000001';

/** A pair of ActiveMQ with changes that wait. */
export function pair(changes = {}) {
  return {
    authenticationStrategy: 'simple',
    autoMinorVersionUpgrade: true,
    brokerArn: `arn:aws:mq:eu-central-1:123456789012:broker:orders:${ID}`,
    brokerId: ID,
    brokerInstances: [],
    brokerName: 'orders',
    brokerState: 'RUNNING',
    configurations: {
      current: { id: CONFIGURATION, revision: 2 },
      history: [{ id: CONFIGURATION, revision: 1 }],
    },
    created: '2026-11-01T08:00:00Z',
    deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
    encryptionOptions: { useAwsOwnedKey: true },
    engineType: 'ActiveMQ',
    engineVersion: '5.18',
    hostInstanceType: 'mq.m5.large',
    logs: {
      general: false,
      audit: false,
      generalLogGroup: `/aws/amazonmq/broker/${ID}/general`,
      auditLogGroup: `/aws/amazonmq/broker/${ID}/audit`,
    },
    maintenanceWindowStartTime: { dayOfWeek: 'TUESDAY', timeOfDay: '06:31', timeZone: 'UTC' },
    publiclyAccessible: true,
    securityGroups: ['sg-0123456789abcdef0', 'sg-label'],
    storageType: 'efs',
    subnetIds: ['subnet-0b70c3a000000000a', 'subnet-0b70c3a000000000b'],
    tags: { team: 'payments', stage: 'test' },
    users: [{ username: 'admin' }],
    ...changes,
  };
}

export const WAITING = {
  pendingEngineVersion: '5.19',
  pendingHostInstanceType: 'mq.m5.xlarge',
  configurations: {
    current: { id: CONFIGURATION, revision: 2 },
    pending: { id: CONFIGURATION, revision: 3 },
    history: [{ id: CONFIGURATION, revision: 1 }],
  },
  users: [{ username: 'admin' }, { username: 'billing', pendingChange: 'CREATE' }],
};

/** A cluster of RabbitMQ. */
export function cluster(changes = {}) {
  return pair({
    brokerName: 'events',
    deploymentMode: 'CLUSTER_MULTI_AZ',
    engineType: 'RabbitMQ',
    engineVersion: '4.2',
    hostInstanceType: 'mq.m7g.large',
    logs: { general: false, generalLogGroup: `/aws/amazonmq/broker/${ID}/general` },
    securityGroups: [],
    storageType: 'ebs',
    storageSize: 25,
    users: [],
    ...changes,
  });
}

const versions = (engine, names) => ({ engineType: engine, engineVersions: names.map((name) => ({ name })) });
const engine = (engineType, engineVersion, trueVersion, advisories) => ({
  engineType,
  engineVersion,
  trueVersion,
  advisories,
  modules: {},
  image: `brokerd/${engineType.toLowerCase()}:${engineVersion}`,
});
const ADVISORY = {
  id: 'CVE-2026-39304',
  module: 'activemq-client',
  moduleVersion: '5.18.7',
  fixedIn: ['5.19.2', '6.2.1'],
  summary: 'A client that sends a forged command makes the broker run code.',
  mitigation: 'Only brokers of the same account connect to each other.',
};
const option = (engineType, hostInstanceType, supportedEngineVersions, supportedDeploymentModes, storageType) => ({
  engineType,
  hostInstanceType,
  supportedEngineVersions,
  supportedDeploymentModes,
  storageType,
  availabilityZones: [{ name: 'eu-central-1a' }, { name: 'eu-central-1b' }],
});
const ACTIVEMQ_MODES = ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ'];
const RABBIT_MODES = ['SINGLE_INSTANCE', 'CLUSTER_MULTI_AZ'];

export function group(changes = {}) {
  return {
    securityGroupId: 'sg-0123456789abcdef0',
    name: 'office',
    description: 'Offices and the VPN',
    rules: [
      { protocol: 'tcp', fromPort: 61617, toPort: 61617, cidr: '10.0.0.0/8', description: 'applications' },
      { protocol: 'tcp', fromPort: 8162, toPort: 8162, cidr: '192.0.2.0/24' },
    ],
    brokers: [{ brokerId: ID, brokerName: 'orders' }],
    created: '2026-11-01T08:00:00Z',
    ...changes,
  };
}

export const SPARE = group({
  securityGroupId: 'sg-0fedcba9876543210',
  name: 'monitoring',
  description: '',
  brokers: [],
  rules: [{ protocol: 'tcp', fromPort: 0, toPort: 65535, cidr: 'fd00::/8' }],
});

/** Faults: one under way, two that are over. */
export function faults(now = Date.now()) {
  const at = (seconds) => new Date(now + seconds * 1000).toISOString();
  return [
    {
      id: 'f-1',
      kind: 'PAUSE',
      state: 'ACTIVE',
      instance: 1,
      durationSeconds: 600,
      startsAt: at(-120),
      endsAt: at(480),
    },
    {
      id: 'f-2',
      kind: 'LATENCY',
      state: 'ENDED',
      durationSeconds: 60,
      latencyMilliseconds: 200,
      jitterMilliseconds: 50,
      startsAt: at(-4000),
      endsAt: at(-3940),
      endedAt: at(-3939),
      reason: 'healed',
    },
    {
      id: 'f-3',
      kind: 'KILL',
      state: 'ENDED',
      instance: 2,
      startsAt: at(-9000),
      endsAt: at(-8940),
      endedAt: at(-8998),
      reason: 'done',
    },
  ];
}

export const FAULT_LIST = {
  enabled: true,
  kinds: ['KILL', 'PAUSE', 'ISOLATE', 'ZONE_OUTAGE', 'LATENCY', 'FAILOVER'],
  instances: [
    { instance: 1, zone: 'eu-central-1a' },
    { instance: 2, zone: 'eu-central-1b' },
  ],
  faults: [],
};

/** A server with one broker, whose document `server.broker` is, and everything the tabs read. */
export async function settingsServer(broker, answers = {}) {
  const summary = (name, id) => ({
    arn: `arn:aws:mq:eu-central-1:123456789012:configuration:${id}`,
    authenticationStrategy: 'simple',
    created: '2026-11-01T08:00:00Z',
    engineType: broker.engineType,
    engineVersion: broker.engineVersion,
    id,
    name,
    latestRevision: { created: '2026-11-20T08:00:00Z', revision: 3, description: 'Larger store' },
  });
  const isRabbit = broker.engineType === 'RabbitMQ';
  const server = await startServer({
    'GET /v1/brokers': { brokerSummaries: [] },
    'GET /brokerd/v1/brokers': { brokers: [], total: 0 },
    'GET /v1/brokers/{broker-id}': ({ parameters }) =>
      parameters['broker-id'] === ID && server.broker
        ? { body: server.broker }
        : refused(404, 'NotFoundException', 'Cannot find broker ID.', 'broker-id'),
    'GET /brokerd/v1/brokers/{broker-id}': {
      brokerId: ID,
      brokerName: broker.brokerName,
      engineType: broker.engineType,
      engineVersion: broker.engineVersion,
      running: {
        engineVersion: broker.engineVersion,
        fullVersion: isRabbit ? '4.2.4' : '5.18.7',
        standsIn: false,
        image: 'brokerd/engine',
        imageId: 'sha256:1',
        since: '2026-11-20T08:00:00Z',
      },
      instances: [],
      linksDown: [],
    },
    'GET /brokerd/v1/brokers/{broker-id}/events': { events: [] },
    'GET /brokerd/v1/brokers/{broker-id}/faults': () => ({ body: { ...FAULT_LIST, faults: server.faults } }),
    'GET /v1/broker-engine-types': {
      brokerEngineTypes: [
        isRabbit ? versions('RABBITMQ', ['4.3', '4.2', '3.13']) : versions('ACTIVEMQ', ['5.19', '5.18', '5.17']),
      ],
      maxResults: 100,
    },
    'GET /brokerd/v1/engine-versions': {
      engineVersions: [
        engine('ACTIVEMQ', '5.19', '5.19.2', []),
        engine('ACTIVEMQ', '5.18', '5.18.7', [ADVISORY]),
        engine('RABBITMQ', '4.3', '4.3.6', []),
        engine('RABBITMQ', '4.2', '4.2.4', []),
      ],
    },
    'GET /v1/broker-instance-options': {
      brokerInstanceOptions: isRabbit
        ? [
            option('RABBITMQ', 'mq.m7g.medium', ['4.3', '4.2'], RABBIT_MODES, 'ebs'),
            option('RABBITMQ', 'mq.m7g.large', ['4.3', '4.2'], RABBIT_MODES, 'ebs'),
          ]
        : [
            option('ACTIVEMQ', 'mq.t3.micro', ['5.19', '5.18'], ['SINGLE_INSTANCE'], 'efs'),
            option('ACTIVEMQ', 'mq.m5.large', ['5.19', '5.18'], ACTIVEMQ_MODES, 'efs'),
            option('ACTIVEMQ', 'mq.m5.xlarge', ['5.19', '5.18'], ACTIVEMQ_MODES, 'efs'),
          ],
      maxResults: 100,
    },
    'GET /v1/configurations': {
      configurations: [summary('orders-configuration', CONFIGURATION), summary('shared', 'c-2')],
      maxResults: 100,
    },
    'GET /v1/configurations/{configuration-id}/revisions': ({ parameters }) => ({
      body: {
        configurationId: parameters['configuration-id'],
        maxResults: 100,
        revisions: [1, 2, 3].map((revision) => ({
          revision,
          created: `2026-11-${10 + revision}T08:00:00Z`,
          description: revision === 3 ? 'Larger store' : undefined,
        })),
      },
    }),
    'GET /brokerd/v1/security-groups': () => ({ body: { securityGroups: server.groups } }),
    ...answers,
  });
  server.broker = broker;
  server.groups = [group(), SPARE];
  server.faults = [];
  /** Says that the broker has changed, as another session's change would. */
  server.change = (changes) => {
    server.broker = { ...server.broker, ...changes };
    server.send('broker', { brokerId: ID, change: 'CHANGED' });
  };
  return server;
}
