// Which metrics there are, and which are drawn together. A test compares this with docs/broker-metrics.md.
import type { Unit } from './units';

/** The namespace of all metrics. */
export const NAMESPACE = 'AWS/AmazonMQ';

/** Of what metrics are: the dimensions beside `Broker`. */
export type Level = 'broker' | 'node' | 'queue' | 'topic';

/** A graph: metrics of one unit that are compared. */
export interface Panel {
  /** Its chapter of the catalogue: `text.monitoring.panels`. */
  id: PanelId;
  unit: Unit;
  metrics: readonly string[];
}

export type PanelId =
  | 'messages'
  | 'rates'
  | 'totals'
  | 'connections'
  | 'established'
  | 'limits'
  | 'clients'
  | 'objects'
  | 'cpu'
  | 'memory'
  | 'heap'
  | 'disk'
  | 'usage'
  | 'files'
  | 'ioTime'
  | 'operations'
  | 'network'
  | 'journal'
  | 'transactions'
  | 'subscribers'
  | 'moved'
  | 'inFlight'
  | 'time'
  | 'memoryUsage';

const panel = (id: PanelId, unit: Unit, ...metrics: string[]): Panel => ({ id, unit, metrics });

const RABBITMQ_NODE = [
  panel('messages', 'Count', 'MessageCount', 'MessageReadyCount', 'MessageUnacknowledgedCount'),
  panel('connections', 'Count', 'ConnectionCount', 'ChannelCount', 'ConsumerCount'),
  panel('cpu', 'Percent', 'SystemCpuUtilization'),
  panel('memory', 'Bytes', 'RabbitMQMemUsed', 'RabbitMQMemLimit'),
  panel('disk', 'Bytes', 'RabbitMQDiskFree', 'RabbitMQDiskFreeLimit'),
  panel('files', 'Count', 'RabbitMQFdUsed'),
  panel('objects', 'Count', 'QueueCount', 'ExchangeCount'),
];

const ACTIVEMQ_BROKER = [
  panel('messages', 'Count', 'TotalMessageCount'),
  panel('totals', 'Count', 'TotalEnqueueCount', 'TotalDequeueCount'),
  panel('connections', 'Count', 'CurrentConnectionsCount', 'NetworkConnectorConnectionCount'),
  panel('clients', 'Count', 'TotalProducerCount', 'TotalConsumerCount'),
  panel('cpu', 'Percent', 'CpuUtilization'),
  panel('heap', 'Percent', 'HeapUsage'),
  panel('usage', 'Percent', 'StorePercentUsage', 'TempPercentUsage', 'JobSchedulerStorePercentUsage'),
  panel('network', 'Bytes', 'NetworkIn', 'NetworkOut'),
  panel('operations', 'Count', 'VolumeReadOps', 'VolumeWriteOps'),
  panel('journal', 'Count', 'JournalFilesForFastRecovery', 'JournalFilesForFullRecovery'),
  panel('transactions', 'Count', 'OpenTransactionCount'),
  panel('subscribers', 'Count', 'InactiveDurableTopicSubscribersCount'),
  panel('established', 'Count', 'EstablishedConnectionsCount'),
  panel(
    'limits',
    'Count',
    'OpenwireMaximumConnections',
    'AmqpMaximumConnections',
    'StompMaximumConnections',
    'MqttMaximumConnections',
    'WsMaximumConnections',
  ),
];

const ACTIVEMQ_DESTINATION = [
  panel('moved', 'Count', 'EnqueueCount', 'DequeueCount', 'DispatchCount', 'ExpiredCount'),
  panel('clients', 'Count', 'ProducerCount', 'ConsumerCount'),
  panel('inFlight', 'Count', 'InFlightCount'),
  panel('time', 'Milliseconds', 'EnqueueTime'),
  panel('memoryUsage', 'Percent', 'MemoryUsage'),
];

/** The graphs of each engine and level. */
export const PANELS: Record<'RabbitMQ' | 'ActiveMQ', Record<Level, readonly Panel[]>> = {
  RabbitMQ: {
    broker: [
      ...RABBITMQ_NODE.slice(0, 1),
      panel('rates', 'CountPerSecond', 'PublishRate', 'ConfirmRate', 'AckRate'),
      ...RABBITMQ_NODE.slice(1),
      panel('network', 'Bytes', 'NetworkIn', 'NetworkOut'),
      panel('ioTime', 'Milliseconds', 'RabbitMQIOReadAverageTime', 'RabbitMQIOWriteAverageTime'),
    ],
    node: RABBITMQ_NODE,
    queue: [
      panel('messages', 'Count', 'MessageCount', 'MessageReadyCount', 'MessageUnacknowledgedCount'),
      panel('clients', 'Count', 'ConsumerCount'),
    ],
    topic: [],
  },
  ActiveMQ: {
    broker: ACTIVEMQ_BROKER,
    // An instance of a pair is a broker to CloudWatch.
    node: ACTIVEMQ_BROKER,
    queue: [panel('messages', 'Count', 'QueueSize'), ...ACTIVEMQ_DESTINATION],
    topic: ACTIVEMQ_DESTINATION,
  },
};

/** The graphs of a broker at a level. */
export function panelsOf(engine: string, level: Level): readonly Panel[] {
  return PANELS[engine.toUpperCase() === 'RABBITMQ' ? 'RabbitMQ' : 'ActiveMQ'][level];
}

/** The unit of a metric at a level. */
export function unitOf(engine: string, level: Level, metric: string): Unit {
  return panelsOf(engine, level).find(({ metrics }) => metrics.includes(metric))?.unit ?? 'Count';
}

export interface Dimension {
  Name: string;
  Value: string;
}

/** Something that has metrics, and what tells it from others of a graph. */
export interface Measured {
  /** Empty: there is only one. */
  label: string;
  dimensions: Dimension[];
}

/** What metrics are asked of. */
export type Scope =
  | { level: 'broker' }
  /** Without a name: all of them. */
  | { level: 'node'; name?: string }
  | { level: 'queue' | 'topic'; name: string; virtualHost?: string };

/** What of a broker matters for its metrics. */
export interface MeasuredBroker {
  brokerName: string;
  engineType: string;
  deploymentMode: string;
}

const isRabbit = ({ engineType }: MeasuredBroker) => engineType.toUpperCase() === 'RABBITMQ';

/** The values of the dimension `Broker`: its name, or for ActiveMQ its name and the ordinal of each instance. */
export function brokerDimensions(broker: MeasuredBroker): string[] {
  if (isRabbit(broker)) return [broker.brokerName];
  const instances = broker.deploymentMode === 'ACTIVE_STANDBY_MULTI_AZ' ? [1, 2] : [1];
  return instances.map((ordinal) => `${broker.brokerName}-${ordinal}`);
}

/** Whether a dimension `Broker` is of this broker. */
export function isOfBroker(broker: MeasuredBroker, dimensions: readonly Dimension[]): boolean {
  const names = brokerDimensions(broker);
  return dimensions.some(({ Name, Value }) => Name === 'Broker' && names.includes(Value));
}

/** What is measured of a scope: all that its graphs compare. `nodes` are the names of RabbitMQ's nodes. */
export function measured(broker: MeasuredBroker, scope: Scope, nodes: readonly string[] = []): Measured[] {
  const brokers = brokerDimensions(broker);
  const of = (Value: string): Dimension => ({ Name: 'Broker', Value });
  if (scope.level === 'node' && isRabbit(broker)) {
    const chosen = scope.name === undefined ? nodes : [scope.name];
    return chosen.map((node) => ({
      label: chosen.length > 1 ? node : '',
      dimensions: [...brokers.map(of), { Name: 'Node', Value: node }],
    }));
  }
  const chosen = scope.level === 'node' && scope.name !== undefined ? [scope.name] : brokers;
  return chosen.map((name) => {
    const dimensions = [of(name)];
    if (scope.level === 'queue' || scope.level === 'topic') {
      if (scope.virtualHost !== undefined) dimensions.push({ Name: 'VirtualHost', Value: scope.virtualHost });
      dimensions.push({ Name: scope.level === 'queue' ? 'Queue' : 'Topic', Value: scope.name });
    }
    return { label: chosen.length > 1 ? name : '', dimensions };
  });
}

/** A metric of something, with the panel that shows it. */
export interface Wanted {
  panel: PanelId;
  metric: string;
  label: string;
  dimensions: Dimension[];
}

/** All metrics of a scope, in the order of the graphs. */
export function wanted(engine: string, level: Level, things: readonly Measured[]): Wanted[] {
  return panelsOf(engine, level).flatMap(({ id, metrics }) =>
    things.flatMap(({ label, dimensions }) =>
      metrics.map((metric) => ({
        panel: id,
        metric,
        label: label ? `${metric} (${label})` : metric,
        dimensions,
      })),
    ),
  );
}
