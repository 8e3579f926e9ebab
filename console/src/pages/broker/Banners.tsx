// What is wrong with a broker, what waits, and what is under way, above all of its parts.
import Alert, { type AlertProps } from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import type { Schemas } from '../../api/client';
import { momentText, nextOpening } from '../../model/maintenanceWindow';
import { pendingChanges } from '../../model/pendingChanges';
import { DeleteDialog } from '../../shared/broker/DeleteDialog';
import { PendingTable } from '../../shared/broker/PendingTable';
import { Effect, RebootDialog } from '../../shared/broker/RebootDialog';
import { text } from '../../text';
import { refusalOfReboot } from './BrokerHeader';

type Broker = Schemas['DescribeBrokerResponse'];
type Inspection = Schemas['InspectBrokerResponse'];

const { banners } = text.broker;
/** What a reboot is tried again for. */
const BY_REBOOT = /^(BROKER_CHANGES_NOT_APPLIED|BROKER_NOT_REBOOTED|BROKER_DOES_NOT_BOOT|RABBITMQ_INVALID)/;
/** What messages that nobody takes lead to. */
const BY_MESSAGES = /^(BROKER_OOM|RABBITMQ_(MEMORY|DISK)_ALARM)$/;
const UNDER_WAY: Record<string, string> = {
  CREATION_IN_PROGRESS: banners.creating,
  REBOOT_IN_PROGRESS: banners.rebooting,
  DELETION_IN_PROGRESS: banners.deleting,
};

export function Banners({ broker, inspection }: { broker: Broker; inspection: Inspection | undefined }) {
  const [dialog, setDialog] = useState<'reboot' | 'delete'>();
  const reboot = () => setDialog('reboot');
  const close = () => setDialog(undefined);
  const underWay = UNDER_WAY[broker.brokerState];
  const actions = (broker.actionsRequired ?? []).filter(
    ({ actionRequiredCode: code }) => code !== 'BROKER_CREATION_FAILED',
  );
  const isServing = broker.brokerState === 'RUNNING' || broker.brokerState === 'CRITICAL_ACTION_REQUIRED';
  return (
    <SpaceBetween size="xs">
      {underWay ? (
        <Banner type="info" header={underWay}>
          {banners.waitsFor} {inspection?.verdict ?? (inspection ? banners.noPass : text.common.loading)}
        </Banner>
      ) : null}
      {broker.brokerState === 'CREATION_FAILED' ? (
        <CreationFailed broker={broker} inspection={inspection} onDelete={() => setDialog('delete')} />
      ) : null}
      {isServing && inspection?.availability === 'UNAVAILABLE' ? (
        <Banner type="error" header={banners.unavailable}>
          {inspection.verdict ? `${banners.because} ${inspection.verdict}. ` : ''}
          {banners.unavailableHelp}
        </Banner>
      ) : null}
      {actions.map((action) => (
        <ActionRequired key={action.actionRequiredCode} broker={broker} action={action} onReboot={reboot} />
      ))}
      {inspection?.linksDown.length ? (
        <Banner type="warning" header={banners.linksDown}>
          <ul>
            {inspection.linksDown.map(({ link, why }) => (
              <li key={link}>{`${link}: ${why}`}</li>
            ))}
          </ul>
        </Banner>
      ) : null}
      <Pending broker={broker} onReboot={reboot} />
      {inspection?.maintenance && !pendingChanges(broker).length ? (
        <Banner type="info" header={banners.maintenance}>
          {`${banners.because} ${inspection.maintenance}`}
        </Banner>
      ) : null}
      {dialog === 'reboot' ? <RebootDialog broker={broker} onClose={close} /> : null}
      {dialog === 'delete' ? <DeleteDialog broker={broker} onClose={close} /> : null}
    </SpaceBetween>
  );
}

interface BannerProps {
  type: AlertProps.Type;
  header: string;
  children: ReactNode;
  action?: ReactNode;
}

function Banner({ type, header, children, action }: BannerProps) {
  return (
    <Alert
      type={type}
      header={header}
      action={action}
      i18nStrings={{ [`${type}IconAriaLabel`]: text.broker.icons[type] }}
    >
      {children}
    </Alert>
  );
}

interface CreationProps {
  broker: Broker;
  inspection: Inspection | undefined;
  onDelete: () => void;
}

function CreationFailed({ broker, inspection, onDelete }: CreationProps) {
  const told = broker.actionsRequired?.find(({ actionRequiredCode: code }) => code === 'BROKER_CREATION_FAILED');
  const why = told?.actionRequiredInfo ?? inspection?.verdict;
  return (
    <Banner
      type="error"
      header={banners.creationFailed}
      action={<Button onClick={onDelete}>{text.broker.remove.action}</Button>}
    >
      {why ? <Box variant="p">{why}</Box> : null}
      {banners.creationFailedHelp}
    </Banner>
  );
}

interface ActionProps {
  broker: Broker;
  action: Schemas['ActionRequiredView'];
  onReboot: () => void;
}

function ActionRequired({ broker, action, onReboot }: ActionProps) {
  const [, navigate] = useLocation();
  const { actionRequiredCode: code, actionRequiredInfo: info } = action;
  const to = (tab: string) => () => navigate(`/brokers/${broker.brokerId}/${tab}`);
  const buttons: ReactNode[] = [];
  if (BY_MESSAGES.test(code)) {
    buttons.push(
      <Button key="queues" onClick={to('queues')}>
        {banners.toQueues}
      </Button>,
    );
    buttons.push(
      <Button key="type" onClick={to('settings')}>
        {banners.larger}
      </Button>,
    );
  } else if (BY_REBOOT.test(code)) {
    buttons.push(
      <Button key="change" onClick={to('settings')}>
        {banners.change}
      </Button>,
    );
    buttons.push(
      <RebootButton key="reboot" broker={broker} onReboot={onReboot}>
        {banners.tryAgain}
      </RebootButton>,
    );
  }
  return (
    <Banner
      type={code === 'BROKER_DOES_NOT_BOOT' ? 'error' : 'warning'}
      header={`${banners.actions[code] ?? banners.unknownAction} (${code})`}
      action={
        buttons.length ? (
          <SpaceBetween direction="horizontal" size="xs">
            {buttons}
          </SpaceBetween>
        ) : undefined
      }
    >
      <Box variant="p">{info}</Box>
      {banners.help[code] ?? ''}
    </Banner>
  );
}

function RebootButton({ broker, onReboot, children }: { broker: Broker; onReboot: () => void; children: string }) {
  const refusal = refusalOfReboot(broker);
  return (
    <Button
      onClick={onReboot}
      disabled={refusal !== undefined}
      {...(refusal === undefined ? {} : { disabledReason: refusal })}
    >
      {children}
    </Button>
  );
}

function Pending({ broker, onReboot }: { broker: Broker; onReboot: () => void }) {
  const count = pendingChanges(broker).length;
  if (!count || broker.brokerState.endsWith('_IN_PROGRESS')) return null;
  const { pending } = text.broker;
  const window = broker.maintenanceWindowStartTime;
  const zone = window.timeZone || 'UTC';
  const opens = nextOpening(window, Date.now());
  return (
    <Banner
      type="info"
      header={pending.title(count)}
      action={
        <RebootButton broker={broker} onReboot={onReboot}>
          {pending.reboot}
        </RebootButton>
      }
    >
      {opens === undefined ? null : <Box variant="p">{`${pending.window} ${momentText(opens, zone)} (${zone})`}</Box>}
      <ExpandableSection headerText={pending.show}>
        <SpaceBetween size="s">
          <PendingTable label={pending.what} broker={broker} />
          <Effect broker={broker} />
        </SpaceBetween>
      </ExpandableSection>
    </Banner>
  );
}
