import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { answer, api } from '../../api/client';
import { rebootRefusal } from '../../model/rebootEffect';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { RefusalText } from './PendingCard';
import { type Broker, useConfigurations } from './queries';
import { RebootDialog, RebootEffectText } from './RebootDialog';

const t = text.settings;

function Sentences({ title, sentences }: { title: string; sentences: string[] }) {
  return (
    <div>
      <Box variant="h3">{title}</Box>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}

function lostOf(broker: Broker): string[] {
  const tags = Object.keys(broker.tags).length;
  return [
    t.lost.messages,
    broker.engineType === 'RabbitMQ' ? t.lost.usersRabbit : t.lost.users(broker.users.length),
    t.lost.endpoints,
    t.lost.events,
    ...(tags ? [t.lost.tags(tags)] : []),
  ];
}

function staysOf(broker: Broker, names: Map<string, string>): string[] {
  const { general, audit, generalLogGroup, auditLogGroup } = broker.logs;
  const groups = [general ? generalLogGroup : undefined, audit ? auditLogGroup : undefined].filter(Boolean);
  const configuration = broker.configurations.current;
  return [
    groups.length ? t.stays.logs(groups.join(', ')) : t.stays.logsOff,
    ...(configuration ? [t.stays.configuration(names.get(configuration.id) ?? configuration.id)] : []),
    ...(broker.securityGroups.length ? [t.stays.groups] : []),
    t.stays.metrics,
    t.stays.audit,
    t.stays.name(broker.brokerName),
  ];
}

/** Reboots and deletes the broker. Both name what happens, and ask for the name. */
export default function Danger({ broker }: { broker: Broker }) {
  const [asking, setAsking] = useState<'reboot' | 'delete'>();
  const [, navigate] = useLocation();
  const flash = useFlash();
  const client = useQueryClient();
  const configurations = useConfigurations(broker.engineType);
  const names = useMemo(
    () => new Map((configurations.data ?? []).map(({ id, name }) => [id, name])),
    [configurations.data],
  );
  const refusal = rebootRefusal(broker);
  const isDeleting = broker.brokerState === 'DELETION_IN_PROGRESS';
  const isStrict = ['CREATION_IN_PROGRESS', 'REBOOT_IN_PROGRESS'].includes(broker.brokerState);
  const remove = async () => {
    await answer(api.DELETE('/v1/brokers/{broker-id}', { params: { path: { 'broker-id': broker.brokerId } } }));
    flash.done(t.deleting(broker.brokerName));
    void client.invalidateQueries({ queryKey: ['brokers'] });
    void client.invalidateQueries({ queryKey: ['broker', broker.brokerId] });
    navigate('/');
  };
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={t.rebootIntro}
            actions={
              <Button disabled={refusal !== undefined} onClick={() => setAsking('reboot')}>
                {t.reboot}
              </Button>
            }
          >
            {t.reboot}
          </Header>
        }
      >
        {refusal ? (
          <Alert type="info">
            <RefusalText refusal={refusal} />
          </Alert>
        ) : (
          <RebootEffectText broker={broker} names={names} />
        )}
      </Container>
      <Container
        header={
          <Header
            variant="h2"
            description={isDeleting ? t.deletingNow : t.deleteIntro}
            actions={
              <Button disabled={isDeleting} onClick={() => setAsking('delete')}>
                {t.deleteAction}
              </Button>
            }
          >
            {t.deleteHeader}
          </Header>
        }
      >
        <SpaceBetween size="m">
          {isStrict ? <Alert type="info">{t.strictNote}</Alert> : null}
          <ColumnLayout columns={2}>
            <Sentences title={t.lostHeader} sentences={lostOf(broker)} />
            <Sentences title={t.staysHeader} sentences={staysOf(broker, names)} />
          </ColumnLayout>
        </SpaceBetween>
      </Container>
      {asking === 'reboot' ? <RebootDialog broker={broker} names={names} onClose={() => setAsking(undefined)} /> : null}
      {asking === 'delete' ? (
        <ConfirmByName
          title={t.deleteTitle(broker.brokerName)}
          lost={<Sentences title={t.lostHeader} sentences={lostOf(broker)} />}
          name={broker.brokerName}
          action={t.deleteAction}
          onConfirm={remove}
          onClose={() => setAsking(undefined)}
        />
      ) : null}
    </SpaceBetween>
  );
}
