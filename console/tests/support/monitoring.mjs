// Brokers with their metrics, events and alarms, as brokerd tells them.
export const ID = 'b-1111aaaa-2222-4333-8444-555566667777';
const MINUTE = 60_000;

const broker = (changes) => ({
  brokerId: ID,
  brokerArn: `arn:aws:mq:eu-central-1:123456789012:broker:orders:${ID}`,
  brokerName: 'orders',
  brokerState: 'RUNNING',
  authenticationStrategy: 'simple',
  autoMinorVersionUpgrade: true,
  brokerInstances: [],
  configurations: { history: [] },
  created: '2026-01-01T00:00:00Z',
  encryptionOptions: { useAwsOwnedKey: true },
  hostInstanceType: 'mq.m5.large',
  maintenanceWindowStartTime: { dayOfWeek: 'MONDAY', timeOfDay: '02:00', timeZone: 'UTC' },
  publiclyAccessible: false,
  securityGroups: [],
  subnetIds: [],
  storageType: 'ebs',
  tags: {},
  users: [],
  ...changes,
});

/** A RabbitMQ cluster. */
export const CLUSTER = broker({
  engineType: 'RabbitMQ',
  engineVersion: '3.13',
  deploymentMode: 'CLUSTER_MULTI_AZ',
  logs: { general: true, generalLogGroup: `/aws/amazonmq/broker/${ID}/general` },
});

/** A pair of ActiveMQ. */
export const PAIR = broker({
  engineType: 'ActiveMQ',
  engineVersion: '5.18',
  deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
  storageType: 'efs',
  logs: {
    general: true,
    audit: false,
    generalLogGroup: `/aws/amazonmq/broker/${ID}/general`,
    auditLogGroup: `/aws/amazonmq/broker/${ID}/audit`,
  },
});

const BYTES = { RabbitMQMemUsed: 3e8, RabbitMQMemLimit: 3.2e9, RabbitMQDiskFree: 1.9e11, RabbitMQDiskFreeLimit: 4e9 };

/** The value of a metric at a moment: waves, so that graphs look like graphs. */
function value(metric, at, offset) {
  const wave = Math.sin(at / (17 * MINUTE) + metric.length + offset);
  if (metric.endsWith('Limit') || metric.endsWith('MaximumConnections')) return BYTES[metric] ?? 1000;
  if (BYTES[metric]) return BYTES[metric] * (1 + wave / 5);
  if (/^Network(In|Out)$/.test(metric)) return 2e6 * (1.2 + wave);
  if (/Utilization|Usage|Percent/.test(metric)) return 30 + 20 * wave;
  if (metric === 'ExchangeCount') return 12;
  if (metric === 'InactiveDurableTopicSubscribersCount') return 0;
  return Math.round(200 * (1.2 + wave));
}

/** When nothing was measured, from and to in minutes before now. */
export const GAP = [60, 40];

/** Answers GetMetricData, with a gap and without the metrics that the engine has not. */
export function metricData({ body }) {
  const now = Date.now();
  const MetricDataResults = body.MetricDataQueries.map(({ Id, MetricStat }) => {
    const { MetricName, Dimensions } = MetricStat.Metric;
    const isStandby = Dimensions.some(({ Value }) => Value === 'orders-2');
    const isOfContainer = /^(Cpu|Network(In|Out)|Volume)/.test(MetricName);
    const isMissing = MetricName.startsWith('RabbitMQIO') || (isStandby && !isOfContainer);
    const Timestamps = [];
    const Values = [];
    for (let at = body.StartTime; at < Math.min(body.EndTime, now / 1000); at += MetricStat.Period) {
      const minutes = (now / 1000 - at) / 60;
      if (isMissing || (minutes < GAP[0] && minutes > GAP[1])) continue;
      Timestamps.push(at);
      Values.push(value(MetricName, at * 1000, isStandby ? 2 : 0));
    }
    return { Id, Label: MetricName, Timestamps, Values, StatusCode: 'Complete' };
  });
  return { body: { MetricDataResults, Messages: [] } };
}

/** Answers ListMetrics for nodes, queues and topics. */
export function listMetrics({ body }) {
  const names = {
    Node: ['rabbit@orders-1', 'rabbit@orders-2', 'rabbit@orders-3'],
    Queue: ['orders.new', 'orders.paid'],
    Topic: ['prices'],
  };
  const kind = body.Dimensions.map(({ Name }) => Name).find((name) => names[name]);
  const fixed = body.Dimensions.filter(({ Name }) => Name === 'Broker');
  const host = body.Dimensions.some(({ Name }) => Name === 'VirtualHost') ? [{ Name: 'VirtualHost', Value: '/' }] : [];
  const Metrics = names[kind].map((Value) => ({
    Namespace: 'AWS/AmazonMQ',
    MetricName: body.MetricName,
    Dimensions: [...fixed, ...host, { Name: kind, Value }],
  }));
  return { body: { Metrics } };
}

const before = (minutes) => new Date(Date.now() - minutes * MINUTE).toISOString();

export const happened = () => ({
  'GET /brokerd/v1/brokers/{broker-id}/events': {
    events: [
      { at: before(10), kind: 'verdict', message: 'alarm orders-deep: OK to ALARM: Threshold Crossed' },
      { at: before(39), kind: 'failover', message: 'failover: instance 2 took over from instance 1' },
      { at: before(40), kind: 'failure', message: 'instance 1 ended with status 137' },
      { at: before(100), kind: 'request', message: 'RebootBroker was called' },
      { at: before(500), kind: 'maintenance', message: 'rebooted in its maintenance window' },
    ],
  },
  'GET /brokerd/v1/brokers/{broker-id}/faults': {
    faults: [
      {
        id: 'f-1',
        kind: 'KILL',
        state: 'ENDED',
        startsAt: before(60),
        endsAt: before(45),
        endedAt: before(45),
        instance: 1,
        reason: 'its duration was over',
      },
    ],
  },
  'GET /brokerd/v1/brokers/{broker-id}/report': {
    failovers: [
      {
        from: before(39.5),
        to: before(39),
        seconds: 1.4,
        formerInstance: 1,
        successorInstance: 2,
        cause: 'INJECTED_FAULT',
        detail: 'instance 1 was killed',
      },
    ],
    restarts: [],
    outages: [],
  },
});

export const alarm = (changes = {}) => ({
  AlarmName: 'orders-deep',
  AlarmArn: 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:orders-deep',
  ActionsEnabled: true,
  OKActions: [],
  AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:on-call'],
  InsufficientDataActions: [],
  StateValue: 'ALARM',
  StateReason: 'Threshold Crossed: 3 out of the last 3 datapoints were greater than the threshold (300).',
  StateUpdatedTimestamp: Date.now() / 1000 - 600,
  StateTransitionedTimestamp: Date.now() / 1000 - 600,
  MetricName: 'MessageCount',
  Namespace: 'AWS/AmazonMQ',
  Statistic: 'Average',
  Dimensions: [{ Name: 'Broker', Value: 'orders' }],
  Period: 60,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 3,
  Threshold: 300,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
  ...changes,
});

/** Answers of what the page of a broker asks by itself. */
export const described = (of) => ({
  'GET /v1/brokers/{broker-id}': of,
  'GET /brokerd/v1/brokers/{broker-id}': {
    brokerId: of.brokerId,
    brokerName: of.brokerName,
    engineType: of.engineType,
    engineVersion: of.engineVersion,
    instances: [],
    linksDown: [],
  },
});

/** Answers of everything that the tab of graphs asks, for a broker with these alarms. */
export function monitoring(of, alarms = []) {
  return {
    ...described(of),
    'monitoring:GetMetricData': metricData,
    'monitoring:ListMetrics': listMetrics,
    'monitoring:DescribeAlarms': () => ({ body: { MetricAlarms: alarms, CompositeAlarms: [] } }),
    ...happened(),
  };
}
