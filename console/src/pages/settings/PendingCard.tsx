import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { momentText, nextOpening, openUntil } from '../../model/maintenanceWindow';
import { type PendingChange, pendingChanges } from '../../model/pendingChanges';
import { rebootRefusal } from '../../model/rebootEffect';
import { relative } from '../../model/time';
import { Effect, RebootDialog } from '../../shared/broker/RebootDialog';
import { pendingName, pendingText } from '../../shared/broker/values';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Broker, useChanged } from './queries';
import { useNow, viewersZone } from './useNow';

const t = text.settings;

/** The request that puts back what is in force; none: that needs what only the person knows. */
function takingBack(broker: Broker, { field }: PendingChange): Schemas['UpdateBrokerRequest'] | undefined {
  switch (field) {
    case 'engineVersion':
      return { engineVersion: broker.engineVersion };
    case 'hostInstanceType':
      return { hostInstanceType: broker.hostInstanceType };
    case 'storageSize':
      return { storageSize: broker.storageSize ?? 0 };
    case 'configuration':
      return broker.configurations.current && { configuration: broker.configurations.current };
    case 'authenticationStrategy':
      // RabbitMQ's comes and goes with the configuration.
      if (broker.engineType === 'RabbitMQ') return undefined;
      return { authenticationStrategy: broker.authenticationStrategy.toUpperCase() };
    case 'generalLogs':
      return { logs: { general: broker.logs.general } };
    case 'auditLogs':
      return { logs: { audit: broker.logs.audit ?? false } };
    default:
      return undefined;
  }
}

/** When the reboot happens by itself. */
function WindowNote({ broker }: { broker: Broker }) {
  const now = useNow(30_000);
  const window = broker.maintenanceWindowStartTime;
  const zone = viewersZone();
  const until = openUntil(window, now);
  if (until !== undefined) return <>{t.windowIsOpen(momentText(until, zone))}</>;
  const opens = nextOpening(window, now);
  return opens === undefined ? null : <>{t.inTheWindow(momentText(opens, zone), relative(opens, now))}</>;
}

/** Puts back what is in force; none: that needs what only the person knows. */
function back(broker: Broker, change: PendingChange): (() => Promise<unknown>) | undefined {
  const path = { 'broker-id': broker.brokerId };
  if (change.field === 'user') {
    const { name: username } = change;
    // A user that is not there yet goes at once; how one was before its change is not known.
    if (username === undefined || change.then !== 'CREATE') return undefined;
    const params = { path: { ...path, username } };
    return () => answer(api.DELETE('/v1/brokers/{broker-id}/users/{username}', { params }));
  }
  const body = takingBack(broker, change);
  return body && (() => answer(api.PUT('/v1/brokers/{broker-id}', { params: { path }, body })));
}

/** What waits, side by side with what is; the reboot that applies it, now or in the window. */
export function PendingCard({ broker, names, patch }: { broker: Broker; names: Map<string, string>; patch?: string }) {
  const [isAsking, setAsking] = useState(false);
  const [busy, setBusy] = useState<string>();
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const changes = pendingChanges(broker);
  const refusal = rebootRefusal(broker);
  const takeBack = async (change: PendingChange, put: () => Promise<unknown>) => {
    const name = pendingName(change);
    setBusy(name);
    try {
      await put();
      await changed();
      flash.done(t.tookBack(name));
    } catch (error) {
      flash.failed(t.notTakenBack, error);
    } finally {
      setBusy(undefined);
    }
  };
  if (!changes.length && !patch) {
    return (
      <Container header={<Header variant="h2">{t.pending}</Header>}>
        <Box color="text-body-secondary">{t.pendingNone}</Box>
      </Container>
    );
  }
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={changes.length ? t.pendingCount(changes.length) : undefined}
          description={changes.length ? t.pendingIntro : undefined}
          actions={
            <Button disabled={refusal !== undefined} onClick={() => setAsking(true)}>
              {t.rebootNow}
            </Button>
          }
        >
          {t.pending}
        </Header>
      }
    >
      {changes.length ? (
        <Table
          variant="embedded"
          ariaLabels={{ tableLabel: t.pending }}
          items={changes}
          trackBy={(change) => `${change.field} ${change.name ?? ''}`}
          wrapLines
          columnDefinitions={[
            { id: 'field', header: t.pendingField, cell: pendingName, isRowHeader: true, minWidth: 95 },
            { id: 'now', header: t.now, cell: (change) => pendingText(change, 'now', names), minWidth: 95 },
            {
              id: 'then',
              header: t.afterReboot,
              cell: (change) => <Box fontWeight="bold">{pendingText(change, 'then', names)}</Box>,
              minWidth: 110,
            },
            {
              id: 'back',
              header: t.action,
              minWidth: 130,
              cell: (change) => {
                const put = back(broker, change);
                if (!put) return null;
                const name = pendingName(change);
                return (
                  <Button
                    variant="inline-link"
                    ariaLabel={t.takeBackWhat(name)}
                    loading={busy === name}
                    disabled={busy !== undefined}
                    onClick={() => void takeBack(change, put)}
                  >
                    {t.takeBack}
                  </Button>
                );
              },
            },
          ]}
        />
      ) : null}
      <Box padding={{ top: changes.length ? 'm' : 'n' }}>
        <Alert type={changes.length ? 'warning' : 'info'} header={t.effectTitle}>
          <SpaceBetween size="xs">
            {patch ? <div>{patch}</div> : null}
            <div>
              <WindowNote broker={broker} />
            </div>
            <Effect broker={broker} />
            {refusal ? <RefusalText refusal={refusal} /> : null}
          </SpaceBetween>
        </Alert>
      </Box>
      {isAsking ? <RebootDialog broker={broker} names={names} onClose={() => setAsking(false)} /> : null}
    </Container>
  );
}

/** Why a reboot would be refused. */
export function RefusalText({ refusal }: { refusal: NonNullable<ReturnType<typeof rebootRefusal>> }) {
  return <>{'state' in refusal ? t.rebootRefusedState(refusal.state) : t.rebootRefusedAlarm(refusal.alarm)}</>;
}
