// Brokers for unit tests, as DescribeBroker answers.
import type { Schemas } from '../api/client';

type Broker = Schemas['DescribeBrokerResponse'];

/** A pair of ActiveMQ that runs. */
export function activemq(changes: Partial<Broker> = {}): Broker {
  return {
    authenticationStrategy: 'simple',
    autoMinorVersionUpgrade: true,
    brokerArn: 'arn:aws:mq:eu-central-1:123456789012:broker:orders:b-1',
    brokerId: 'b-1',
    brokerInstances: [],
    brokerName: 'orders',
    brokerState: 'RUNNING',
    configurations: { current: { id: 'c-1', revision: 2 }, history: [{ id: 'c-1', revision: 1 }] },
    created: '2026-11-01T08:00:00Z',
    deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
    encryptionOptions: { useAwsOwnedKey: true },
    engineType: 'ActiveMQ',
    engineVersion: '5.18',
    hostInstanceType: 'mq.m5.large',
    logs: { general: false, audit: false, generalLogGroup: 'general', auditLogGroup: 'audit' },
    maintenanceWindowStartTime: { dayOfWeek: 'TUESDAY', timeOfDay: '06:31', timeZone: 'UTC' },
    publiclyAccessible: true,
    securityGroups: ['sg-1'],
    storageType: 'efs',
    subnetIds: ['subnet-a', 'subnet-b'],
    tags: {},
    users: [{ username: 'admin' }],
    ...changes,
  };
}

/** A cluster of RabbitMQ that runs. */
export function rabbitmq(changes: Partial<Broker> = {}): Broker {
  return activemq({
    brokerName: 'events',
    deploymentMode: 'CLUSTER_MULTI_AZ',
    engineType: 'RabbitMQ',
    engineVersion: '4.2',
    hostInstanceType: 'mq.m7g.large',
    logs: { general: false, generalLogGroup: 'general' },
    securityGroups: [],
    storageType: 'ebs',
    users: [],
    ...changes,
  });
}
