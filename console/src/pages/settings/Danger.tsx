import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMemo, useState } from 'react';
import { rebootRefusal } from '../../model/rebootEffect';
import { DeleteDialog } from '../../shared/broker/DeleteDialog';
import { Lost, Stays } from '../../shared/broker/Losses';
import { Applied, Effect, RebootDialog } from '../../shared/broker/RebootDialog';
import { text } from '../../text';
import { RefusalText } from './PendingCard';
import { type Broker, useConfigurations } from './queries';

const t = text.settings;

/** Reboots and deletes the broker. Both name what happens; who deletes is asked for the name. */
export default function Danger({ broker }: { broker: Broker }) {
  const [asking, setAsking] = useState<'reboot' | 'delete'>();
  const configurations = useConfigurations(broker.engineType);
  const names = useMemo(
    () => new Map((configurations.data ?? []).map(({ id, name }) => [id, name])),
    [configurations.data],
  );
  const refusal = rebootRefusal(broker);
  const isDeleting = broker.brokerState === 'DELETION_IN_PROGRESS';
  const isStrict = ['CREATION_IN_PROGRESS', 'REBOOT_IN_PROGRESS'].includes(broker.brokerState);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={t.rebootIntro}
            actions={
              <Button disabled={refusal !== undefined} onClick={() => setAsking('reboot')}>
                {text.broker.reboot.action}
              </Button>
            }
          >
            {text.broker.reboot.action}
          </Header>
        }
      >
        {refusal ? (
          <Alert type="info">
            <RefusalText refusal={refusal} />
          </Alert>
        ) : (
          <SpaceBetween size="m">
            <Effect broker={broker} />
            <Applied broker={broker} names={names} />
          </SpaceBetween>
        )}
      </Container>
      <Container
        header={
          <Header
            variant="h2"
            description={isDeleting ? t.deletingNow : t.deleteIntro}
            actions={
              <Button disabled={isDeleting} onClick={() => setAsking('delete')}>
                {text.broker.remove.action}
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
            <Lost broker={broker} />
            <Stays broker={broker} names={names} />
          </ColumnLayout>
        </SpaceBetween>
      </Container>
      {asking === 'reboot' ? <RebootDialog broker={broker} names={names} onClose={() => setAsking(undefined)} /> : null}
      {asking === 'delete' ? <DeleteDialog broker={broker} onClose={() => setAsking(undefined)} /> : null}
    </SpaceBetween>
  );
}
