// Brokers as a real brokerd describes them, for tests of pages that show one.

export const ACTIVEMQ_ID = 'b-d398ed7f-2494-4d6d-96e1-84d597020760';
export const RABBITMQ_ID = 'b-e1e4ac3a-4b25-4c17-ac85-dec7b618ea6c';

const arn = (name, id) => `arn:aws:mq:eu-central-1:123456789012:broker:${name}:${id}`;
const activemqEndpoints = (first) =>
  ['ssl', 'amqp+ssl', 'stomp+ssl', 'mqtt+ssl', 'wss'].map((scheme, at) => `${scheme}://172.17.0.1:${first + at}`);

/** A pair of ActiveMQ that runs. */
export const activemq = (changes = {}) => ({
  authenticationStrategy: 'simple',
  autoMinorVersionUpgrade: true,
  brokerArn: arn('events', ACTIVEMQ_ID),
  brokerId: ACTIVEMQ_ID,
  brokerInstances: [
    { consoleURL: 'https://172.17.0.1:27505', endpoints: activemqEndpoints(27500), ipAddress: '172.17.0.1' },
    { consoleURL: 'https://172.17.0.1:27511', endpoints: activemqEndpoints(27506), ipAddress: '172.17.0.1' },
  ],
  brokerName: 'events',
  brokerState: 'RUNNING',
  configurations: { current: { id: 'c-7b8d7bf5-e14c-4671-8d61-b5e0da84b8b7', revision: 1 }, history: [] },
  created: '2026-11-29T08:02:40.701290Z',
  deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
  encryptionOptions: { useAwsOwnedKey: true },
  engineType: 'ActiveMQ',
  engineVersion: '5.19',
  hostInstanceType: 'mq.m5.large',
  logs: {
    audit: false,
    auditLogGroup: `/aws/amazonmq/broker/${ACTIVEMQ_ID}/audit`,
    general: false,
    generalLogGroup: `/aws/amazonmq/broker/${ACTIVEMQ_ID}/general`,
  },
  maintenanceWindowStartTime: { dayOfWeek: 'MONDAY', timeOfDay: '23:30', timeZone: 'UTC' },
  publiclyAccessible: true,
  securityGroups: [],
  storageType: 'efs',
  subnetIds: ['subnet-0b70c3a000000000a', 'subnet-0b70c3a000000000b'],
  tags: {},
  users: [{ username: 'ann' }],
  ...changes,
});

/** A single RabbitMQ that runs. */
export const rabbitmq = (changes = {}) => ({
  ...activemq(),
  brokerArn: arn('orders', RABBITMQ_ID),
  brokerId: RABBITMQ_ID,
  brokerInstances: [
    { consoleURL: 'https://172.17.0.1:27513', endpoints: ['amqps://172.17.0.1:27512', 'https://172.17.0.1:27514'] },
  ],
  brokerName: 'orders',
  configurations: { current: { id: 'c-292ea919-efc1-49a8-acbb-c2154d10f5f9', revision: 1 }, history: [] },
  deploymentMode: 'SINGLE_INSTANCE',
  engineType: 'RabbitMQ',
  engineVersion: '4.3',
  hostInstanceType: 'mq.m7g.medium',
  logs: { general: false, generalLogGroup: `/aws/amazonmq/broker/${RABBITMQ_ID}/general` },
  storageType: 'ebs',
  subnetIds: ['subnet-0b70c3a000000000a'],
  users: [],
  ...changes,
});

const instance = (number, role, health) => ({
  instance: number,
  ...(role ? { role } : {}),
  health,
  since: '2026-11-29T08:06:48.022931Z',
  failedBoots: 0,
  outOfMemory: 0,
});

/** What InspectBroker tells of `activemq()`. */
export const activemqInside = (changes = {}) => ({
  brokerId: ACTIVEMQ_ID,
  brokerName: 'events',
  engineType: 'ActiveMQ',
  engineVersion: '5.19',
  running: {
    engineVersion: '5.19',
    fullVersion: '5.19.2',
    standsIn: false,
    image: 'brokerd/activemq:5.19',
    imageId: 'sha256:0c2f3ef88d033f663975c1124784ec1bce850bb900270e5cb0402249c2271cfd',
    since: '2026-11-29T08:03:30.642197Z',
  },
  verdict: 'instance 2 serves, the other one stands by',
  availability: 'AVAILABLE',
  instances: [instance(1, 'STANDBY', 'STANDBY'), instance(2, 'ACTIVE', 'HEALTHY')],
  linksDown: [],
  ...changes,
});

/** What InspectBroker tells of `rabbitmq()`. */
export const rabbitmqInside = (changes = {}) => ({
  ...activemqInside(),
  brokerId: RABBITMQ_ID,
  brokerName: 'orders',
  engineType: 'RabbitMQ',
  engineVersion: '4.3',
  running: {
    engineVersion: '4.3',
    fullVersion: '4.3.6',
    standsIn: false,
    image: 'brokerd/rabbitmq:4.3',
    imageId: 'sha256:64aa5b2030b32d16bdde2477ad23569d092f4ec3a3464a28b6ff44f0f61f58b3',
    since: '2026-11-29T08:03:32.968680Z',
  },
  verdict: 'every endpoint answers',
  instances: [instance(1, 'ACTIVE', 'HEALTHY')],
  ...changes,
});

const event = (at, kind, message) => ({ at: `2026-11-29T${at}Z`, kind, message });

/** A creation, and a failover after the active instance was killed; newest first. */
export const EVENTS = [
  event('08:06:51.229527', 'verdict', 'instance 2 serves, the other one stands by'),
  event('08:06:51.151726', 'verdict', 'preparing standby 1 to take over'),
  event('08:06:48.195253', 'verdict', 'waiting for standby 1 to settle'),
  event('08:06:48.022931', 'failover', 'failover: instance 2 took over from instance 1'),
  event('08:06:48.022931', 'verdict', 'instance 1 was killed; starting it again'),
  event('08:06:45.732744', 'verdict', 'instance 1 has ended; instance 2 takes over'),
  event('08:06:45.342333', 'verdict', 'instance 1 does not answer'),
  event('08:06:45.000461', 'request', 'CreateUser accepted: carol'),
  event('08:03:30.708635', 'verdict', 'instance 1 serves, the other one stands by'),
  event('08:03:30.647136', 'verdict', 'preparing standby 2 to take over'),
  event('08:03:30.642197', 'verdict', 'ActiveMQ 5.19.2 serves (brokerd/activemq:5.19)'),
  event('08:03:24.822183', 'verdict', 'waiting for an instance to serve'),
  event('08:03:24.554303', 'verdict', 'creating instance 1; creating instance 2'),
  event('08:02:40.701290', 'request', 'CreateBroker accepted: ActiveMQ 5.19 on mq.m5.large, ACTIVE_STANDBY_MULTI_AZ'),
];

/** The report of the same time. */
export const REPORT = {
  outages: [
    {
      from: '2026-11-29T08:06:45.331854Z',
      to: '2026-11-29T08:06:48.022931Z',
      seconds: 2.691,
      state: 'UNAVAILABLE',
      cause: 'ENGINE_SILENT',
      detail: 'instance 1 does not answer',
    },
  ],
  failovers: [],
  restarts: [],
};

/** The engines behind both. */
export const ENGINE_VERSIONS = {
  engineVersions: [
    {
      engineType: 'ACTIVEMQ',
      engineVersion: '5.19',
      trueVersion: '5.19.2',
      image: 'brokerd/activemq:5.19',
      modules: { broker: '5.19.2', stomp: '5.19.2' },
      advisories: [
        {
          id: 'CVE-2026-53916',
          module: 'stomp',
          moduleVersion: '5.19.2',
          fixedIn: ['5.19.8', '6.2.7'],
          summary: 'headers of STOMP without an end use up the memory of NIO connectors',
          mitigation: 'no connector is NIO; frames before the login end after 64 KiB',
        },
        {
          id: 'CVE-2026-54475',
          module: 'broker',
          moduleVersion: '5.19.2',
          fixedIn: ['5.19.8', '6.2.7'],
          summary: 'a client that has logged in takes over temporary destinations of others',
        },
      ],
    },
    {
      engineType: 'RABBITMQ',
      engineVersion: '4.3',
      trueVersion: '4.3.6',
      image: 'brokerd/rabbitmq:4.3',
      modules: { rabbitmq: '4.3.6' },
      advisories: [],
    },
  ],
};

/** Answers for the page of a broker, as far as its frame, overview, connections and users ask. */
export const answersOf = (broker, inside) => ({
  'GET /v1/brokers/{broker-id}': () => ({ body: broker() }),
  'GET /brokerd/v1/brokers/{broker-id}': () => ({ body: inside() }),
  'GET /brokerd/v1/brokers/{broker-id}/events': () => ({ body: { events: EVENTS } }),
  'GET /brokerd/v1/brokers/{broker-id}/report': () => ({ body: REPORT }),
  'GET /brokerd/v1/engine-versions': () => ({ body: ENGINE_VERSIONS }),
});
