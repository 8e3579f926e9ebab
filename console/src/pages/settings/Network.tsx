import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { CopyText } from '../../shared/CopyText';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import { AdmissionCheck } from './AdmissionCheck';
import { BrokerGroups } from './BrokerGroups';
import { GroupDialog, type GroupDraft } from './GroupDialog';
import { GroupsTable } from './GroupsTable';
import { type Broker, useFaults, useSecurityGroups } from './queries';

const t = text.settings.network;

function Access({ broker }: { broker: Broker }) {
  // Where the instances are is told with the faults, which know zones.
  const instances = useFaults(broker.brokerId).data?.instances ?? [];
  return (
    <Container
      header={
        <Header variant="h2" description={t.accessHelp}>
          {t.access}
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        items={[
          { label: t.publiclyAccessible, value: broker.publiclyAccessible ? t.public : t.private },
          {
            label: t.subnets,
            value: broker.subnetIds.length
              ? broker.subnetIds.map((id) => (
                  <div key={id}>
                    <CopyText value={id} label={t.subnets} />
                  </div>
                ))
              : text.common.none,
          },
          {
            label: t.instances,
            value: instances.length
              ? instances.map(({ instance, zone }) => <div key={instance}>{t.instanceIn(instance, zone)}</div>)
              : text.common.none,
          },
        ]}
      />
    </Container>
  );
}

/** Who reaches the broker: its access, its security groups, and whether an address gets in. */
export default function Network({ broker }: { broker: Broker }) {
  const groups = useSecurityGroups();
  const [edited, setEdited] = useState<GroupDraft>();
  const isPublicRabbit = broker.engineType === 'RabbitMQ' && broker.publiclyAccessible;
  return (
    <SpaceBetween size="l">
      <Access broker={broker} />
      {groups.isError ? <Problem error={groups.error} onRetry={() => void groups.refetch()} /> : null}
      {isPublicRabbit ? (
        <Container header={<Header variant="h2">{t.ofBroker}</Header>}>{t.ofPublicRabbit}</Container>
      ) : (
        <BrokerGroups
          broker={broker}
          groups={groups.data}
          onEdit={(group) => setEdited({ group })}
          onDefine={(id) => setEdited({ id })}
        />
      )}
      {isPublicRabbit ? null : <AdmissionCheck broker={broker} groups={groups.data} />}
      <GroupsTable
        groups={groups.data}
        isLoading={groups.isPending}
        onCreate={() => setEdited({})}
        onEdit={(group) => setEdited({ group })}
      />
      {edited ? <GroupDialog draft={edited} onClose={() => setEdited(undefined)} /> : null}
    </SpaceBetween>
  );
}
