// The instances of a broker with their roles.
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { Schemas } from '../../api/client';
import { Ago } from '../../shared/Time';
import { text } from '../../text';

type Instance = Schemas['InspectedInstance'];

const { instances } = text.broker;
const HEALTH: Record<string, StatusIndicatorProps.Type> = {
  STARTING: 'in-progress',
  HEALTHY: 'success',
  SUSPECT: 'warning',
  STANDBY: 'success',
};

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  inspection: Schemas['InspectBrokerResponse'] | undefined;
}

export function Instances({ broker, inspection }: Props) {
  const all = inspection?.instances ?? [];
  const count = (value: number) => (value ? <Badge color="red">{value}</Badge> : '0');
  // ActiveMQ has endpoints of each instance, RabbitMQ has one in front of all nodes.
  const address = (instance: Instance) => broker.brokerInstances[instance.instance - 1]?.ipAddress;
  return (
    <Table
      header={
        <Header variant="h2" counter={all.length ? `(${all.length})` : ''}>
          {instances.title}
        </Header>
      }
      items={all}
      trackBy={(instance) => String(instance.instance)}
      loading={!inspection}
      loadingText={text.common.loading}
      empty={
        <Box textAlign="center">{broker.brokerState === 'CREATION_FAILED' ? instances.none : instances.empty}</Box>
      }
      columnDefinitions={[
        { id: 'instance', header: instances.instance, cell: (one) => one.instance, isRowHeader: true },
        { id: 'role', header: instances.role, cell: (one) => <Role role={one.role} /> },
        {
          id: 'health',
          header: instances.health,
          cell: (one) => (
            <StatusIndicator type={HEALTH[one.health] ?? 'info'}>
              {instances.healths[one.health] ?? one.health}
            </StatusIndicator>
          ),
        },
        { id: 'since', header: instances.since, cell: (one) => <Ago value={one.since} /> },
        ...(broker.engineType === 'ActiveMQ'
          ? [{ id: 'address', header: instances.address, cell: (one: Instance) => address(one) ?? text.common.none }]
          : []),
        { id: 'boots', header: instances.boots, cell: (one) => count(one.failedBoots) },
        { id: 'memory', header: instances.memory, cell: (one) => count(one.outOfMemory) },
      ]}
    />
  );
}

function Role({ role }: { role: string | undefined }) {
  if (!role) return <Box color="text-body-secondary">{instances.noRole}</Box>;
  return <Badge color={role === 'STANDBY' ? 'grey' : 'green'}>{instances.roles[role] ?? role}</Badge>;
}
