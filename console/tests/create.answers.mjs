// What brokerd answers to somebody who creates a broker.
import { refused } from './support/index.mjs';

const PAIR = ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ'];
const CLUSTER = ['SINGLE_INSTANCE', 'CLUSTER_MULTI_AZ'];
const zones = [{ name: 'eu-central-1a' }];
const option = (engineType, hostInstanceType, storageType, supportedDeploymentModes, supportedEngineVersions) => ({
  availabilityZones: zones,
  engineType,
  hostInstanceType,
  storageType,
  supportedDeploymentModes,
  supportedEngineVersions,
});
const OPTIONS = [
  option('ACTIVEMQ', 'mq.t3.micro', 'efs', PAIR, ['5.19', '5.18']),
  ...['mq.m5.large', 'mq.m5.xlarge'].flatMap((host) => [
    option('ACTIVEMQ', host, 'efs', PAIR, ['5.19', '5.18']),
    option('ACTIVEMQ', host, 'ebs', ['SINGLE_INSTANCE'], ['5.19', '5.18']),
    option('RABBITMQ', host, 'ebs', CLUSTER, ['3.10']),
  ]),
  ...['mq.m7g.medium', 'mq.m7g.large'].map((host) => option('RABBITMQ', host, 'ebs', CLUSTER, ['4.3', '4.0', '3.10'])),
];
const version = (engineType, engineVersion, trueVersion, advisories) => ({
  engineType,
  engineVersion,
  trueVersion,
  image: `brokerd/${engineType.toLowerCase()}:${engineVersion}`,
  modules: {},
  ...(advisories ? { advisories } : {}),
});
const ADVISORY = {
  id: 'CVE-2026-39304',
  module: 'activemq-client',
  moduleVersion: '5.19.2',
  fixedIn: ['5.19.4'],
  summary: 'A peer can exhaust the memory of the broker during TLS handshakes.',
  mitigation: 'transports limit the number of connections',
};

/** Half of the options come on each page. */
function optionsPage({ query }) {
  const half = Math.ceil(OPTIONS.length / 2);
  const isSecond = query.get('nextToken') === 'second';
  const brokerInstanceOptions = isSecond ? OPTIONS.slice(half) : OPTIONS.slice(0, half);
  return { body: { brokerInstanceOptions, maxResults: 100, ...(isSecond ? {} : { nextToken: 'second' }) } };
}

/** Prices as the server has them, for one broker. */
export function estimate({ query }) {
  const mode = query.get('deploymentMode');
  const instances = { SINGLE_INSTANCE: 1, ACTIVE_STANDBY_MULTI_AZ: 2, CLUSTER_MULTI_AZ: 3 }[mode];
  const disks = mode === 'CLUSTER_MULTI_AZ' ? 3 : 1;
  const host = query.get('hostInstanceType');
  const [gb, hours] = [query.get('storageGb') ?? '0', query.get('hours') ?? '730'];
  for (const [name, value] of Object.entries({ storageGb: gb, hours })) {
    if (!/^\d+(\.\d+)?$/.test(value)) {
      const message = `Value [${value}] is invalid for [${name}].`;
      return refused(400, 'BadRequestException', message, name);
    }
  }
  const hourly =
    host === 'mq.t3.micro' ? 0.027 : host.includes('m7g') ? 0.2734 : host.includes('xlarge') ? 0.576 : 0.288;
  const monthly = query.get('storageType') === 'EFS' ? 0.3 : 0.1;
  const cost = hourly * Number(hours) * instances;
  const stored = (Number(gb) * disks * monthly * Number(hours)) / 730;
  const text = (amount) => String(Number(amount.toFixed(6)));
  const price = (amount) => ({ amount: text(amount), region: 'us-east-1' });
  return {
    body: {
      currency: 'USD',
      region: query.get('region') ?? 'eu-central-1',
      hours,
      instances: { hostInstanceType: host, count: instances, hourlyPrice: price(hourly), cost: text(cost) },
      storage: {
        storageType: query.get('storageType'),
        gb,
        disks,
        monthlyPrice: price(monthly),
        cost: text(stored),
      },
      total: (cost + stored).toFixed(2),
      missing: [],
    },
  };
}

const GIB = 2 ** 30;
const gone = () => refused(404, 'NotFoundException', 'Can not find requested broker.');

/** The answers, of which a test may replace some. */
export function answers(others = {}) {
  return {
    'GET /v1/broker-instance-options': optionsPage,
    'GET /v1/broker-engine-types': {
      brokerEngineTypes: [
        { engineType: 'ACTIVEMQ', engineVersions: [{ name: '5.19' }, { name: '5.18' }] },
        { engineType: 'RABBITMQ', engineVersions: [{ name: '4.3' }, { name: '4.0' }, { name: '3.10' }] },
      ],
      maxResults: 20,
    },
    'GET /brokerd/v1/engine-versions': {
      engineVersions: [
        version('ACTIVEMQ', '5.19', '5.19.2', [ADVISORY]),
        version('ACTIVEMQ', '5.18', '5.18.7', [ADVISORY, { ...ADVISORY, id: 'CVE-2026-40000', mitigation: undefined }]),
        version('RABBITMQ', '4.3', '4.3.1', []),
        version('RABBITMQ', '4.0', '4.0.9'),
        version('RABBITMQ', '3.10', '3.10.25', []),
      ],
    },
    'GET /brokerd/v1/cost/estimate': estimate,
    'GET /brokerd/v1/capacity': {
      reservedMemoryBytes: 2 * GIB,
      waitingMemoryBytes: 0,
      waitingBrokers: 0,
      brokers: { used: 3, quota: 20 },
      memoryMib: { used: 10240 },
      storageGib: { used: 60 },
      waitSeconds: 600,
      scale: 0.5,
      host: { usableMemoryBytes: 10 * GIB, reservedMemoryBytes: 2 * GIB, waitingMemoryBytes: 0, waitingBrokers: 0 },
    },
    'GET /brokerd/v1/security-groups': {
      securityGroups: [
        securityGroup('sg-0123456789abcdef0', 'office', 'The office'),
        securityGroup('sg-0123456789abcdef1', 'vpn', 'The VPN'),
      ],
    },
    'GET /v1/configurations': ({ query }) => ({
      body: query.get('nextToken')
        ? { configurations: [], maxResults: 100 }
        : {
            configurations: [
              configuration('c-11111111-1111-4111-8111-111111111111', 'tuned', 'ActiveMQ', '5.19', 2),
              configuration('c-22222222-2222-4222-8222-222222222222', 'older', 'ActiveMQ', '5.18', 1),
              configuration('c-33333333-3333-4333-8333-333333333333', 'rabbit', 'RabbitMQ', '4.3', 1),
            ],
            maxResults: 100,
            nextToken: 'end',
          },
    }),
    'GET /v1/configurations/{configuration-id}/revisions': ({ query, parameters }) => ({
      body: {
        configurationId: parameters['configuration-id'],
        maxResults: 100,
        revisions: query.get('nextToken')
          ? []
          : [
              { revision: 1, created: '2026-11-01T00:00:00Z', description: 'Auto-generated default' },
              { revision: 2, created: '2026-11-02T00:00:00Z', description: 'More memory' },
            ],
        ...(query.get('nextToken') ? {} : { nextToken: 'end' }),
      },
    }),
    'POST /brokerd/v1/brokers/validate': { errors: [] },
    'POST /v1/brokers': { brokerArn: 'arn:aws:mq:eu-central-1:123456789012:broker:orders:b-1', brokerId: 'b-1' },
    // The pages to which one goes from here.
    'GET /v1/brokers': { brokerSummaries: [] },
    'GET /brokerd/v1/brokers': { brokers: [], total: 0 },
    'GET /v1/brokers/{broker-id}': gone,
    'GET /v1/brokers/{broker-id}/{what}': gone,
    'GET /brokerd/v1/brokers/{broker-id}/{what}': gone,
    ...others,
  };
}

function securityGroup(securityGroupId, name, description) {
  return { securityGroupId, name, description, rules: [], created: '2026-11-01T00:00:00Z' };
}

function configuration(id, name, engineType, engineVersion, revision) {
  return {
    id,
    name,
    engineType,
    engineVersion,
    arn: `arn:aws:mq:eu-central-1:123456789012:configuration:${id}`,
    authenticationStrategy: 'simple',
    created: '2026-11-01T00:00:00Z',
    latestRevision: { revision, created: '2026-11-02T00:00:00Z' },
  };
}
