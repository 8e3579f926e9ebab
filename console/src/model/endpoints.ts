// The endpoints of a broker, as DescribeBroker lists them, told apart.

/** What an endpoint speaks. `metrics`: the page of a RabbitMQ node for Prometheus. */
export type Protocol = 'openwire' | 'amqp10' | 'amqp091' | 'stomp' | 'mqtt' | 'wss' | 'metrics' | 'other';

/** An address at which clients connect. */
export interface Endpoint {
  /** As DescribeBroker spells it. */
  url: string;
  protocol: Protocol;
  host: string;
  port: number;
  /** The instance behind it, from 1 on. Of metrics pages: the node. */
  instance: number;
}

/** What is needed of DescribeBroker. */
export interface Described {
  engineType: string;
  brokerInstances: { endpoints: string[]; consoleURL?: string; ipAddress?: string }[];
}

const SCHEMES: Record<string, Protocol> = {
  ssl: 'openwire',
  'amqp+ssl': 'amqp10',
  amqps: 'amqp091',
  'stomp+ssl': 'stomp',
  'mqtt+ssl': 'mqtt',
  wss: 'wss',
  https: 'metrics',
};

/** All endpoints, in the order of the answer. */
export function endpointsOf(broker: Described): Endpoint[] {
  return broker.brokerInstances.flatMap((instance, at) => {
    let node = 0;
    return instance.endpoints.map((url) => {
      const [, scheme = '', host = '', port = ''] = /^([a-z+]+):\/\/(\[[^\]]*\]|[^:/]+):?(\d*)/.exec(url) ?? [];
      const protocol = SCHEMES[scheme] ?? 'other';
      if (protocol === 'metrics') node += 1;
      return { url, protocol, host, port: Number(port || 443), instance: node || at + 1 };
    });
  });
}

/** The endpoints of a protocol, that of the first instance first. */
export const endpointsFor = (broker: Described, protocol: Protocol): Endpoint[] =>
  endpointsOf(broker).filter((endpoint) => endpoint.protocol === protocol);

/** One URL for all instances: clients of OpenWire and Qpid JMS try them in turn, also after a failover. */
export function failoverUrl(urls: string[], options = ''): string {
  return `failover:(${urls.join(',')})${options && `?${options}`}`;
}
