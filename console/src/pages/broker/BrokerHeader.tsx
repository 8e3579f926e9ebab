// Name, state and actions of a broker.
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { Schemas } from '../../api/client';
import { rebootRefusal } from '../../model/rebootEffect';
import { DeleteDialog } from '../../shared/broker/DeleteDialog';
import { RebootDialog } from '../../shared/broker/RebootDialog';
import { BrokerStatus } from '../../shared/BrokerStatus';
import { text } from '../../text';
import { useDrawer } from './useDrawer';

type Broker = Schemas['DescribeBrokerResponse'];

/** Why an action is refused now, in words. */
export function refusalOfReboot(broker: Broker): string | undefined {
  const refusal = rebootRefusal(broker);
  if (!refusal) return undefined;
  return 'state' in refusal ? text.broker.actions.notNow(refusal.state) : text.broker.actions.alarm(refusal.alarm);
}

export function BrokerHeader({ broker }: { broker: Broker }) {
  const [, navigate] = useLocation();
  const [dialog, setDialog] = useState<'reboot' | 'delete'>();
  const [drawer, connect] = useDrawer(broker);
  const { actions } = text.broker;
  const refusal = refusalOfReboot(broker);
  // Any other state permits it; a server that is as strict as the service says so itself.
  const isDeletable = broker.brokerState !== 'DELETION_IN_PROGRESS';
  const console = broker.brokerInstances.find((instance) => instance.consoleURL)?.consoleURL;
  const mode = text.broker.modes[broker.deploymentMode] ?? broker.deploymentMode;
  return (
    <>
      <Header
        variant="h1"
        description={
          <SpaceBetween direction="horizontal" size="s">
            <BrokerStatus state={broker.brokerState} />
            <span>{`${broker.engineType} ${broker.engineVersion}`}</span>
            <span>{mode}</span>
            <span>{broker.hostInstanceType}</span>
          </SpaceBetween>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <ButtonDropdown
              items={[
                {
                  id: 'reboot',
                  text: actions.reboot,
                  disabled: refusal !== undefined,
                  ...(refusal === undefined ? {} : { disabledReason: refusal }),
                },
                { id: 'edit', text: actions.edit },
                ...(console
                  ? [
                      {
                        id: 'console',
                        text: actions.console,
                        href: console,
                        external: true,
                        externalIconAriaLabel: text.common.newTab,
                      },
                    ]
                  : []),
                {
                  id: 'delete',
                  text: actions.delete,
                  disabled: !isDeletable,
                  ...(isDeletable ? {} : { disabledReason: actions.notNow(broker.brokerState) }),
                },
              ]}
              onItemClick={({ detail: { id } }) => {
                if (id === 'reboot' || id === 'delete') setDialog(id);
                else if (id === 'edit') navigate(`/brokers/${broker.brokerId}/settings`);
              }}
            >
              {actions.label}
            </ButtonDropdown>
            <Button variant="primary" onClick={connect} disabled={!broker.brokerInstances.length}>
              {actions.connect}
            </Button>
          </SpaceBetween>
        }
      >
        {broker.brokerName}
      </Header>
      {dialog === 'reboot' ? <RebootDialog broker={broker} onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'delete' ? <DeleteDialog broker={broker} onClose={() => setDialog(undefined)} /> : null}
      {drawer}
    </>
  );
}
