import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { answer, api } from '../../api/client';
import { pendingChanges } from '../../model/pendingChanges';
import { rebootEffect } from '../../model/rebootEffect';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Broker, useChanged } from './queries';
import { pendingName, pendingText } from './values';

const t = text.settings;

/** What a reboot applies and how clients notice it. */
export function RebootEffectText({ broker, names }: { broker: Broker; names?: Map<string, string> }) {
  const changes = pendingChanges(broker);
  return (
    <SpaceBetween size="xs">
      <div>{t.effects[rebootEffect(broker)]}</div>
      {changes.length ? (
        <div>
          {t.rebootApplies(changes.length)}
          <ul>
            {changes.map((change) => (
              <li key={`${change.field} ${change.name ?? ''}`}>
                {t.change(pendingName(change), pendingText(change, 'now', names), pendingText(change, 'then', names))}
              </li>
            ))}
          </ul>
        </div>
      ) : (
        <div>{t.rebootAppliesNone}</div>
      )}
      <Box variant="small">{t.kept}</Box>
    </SpaceBetween>
  );
}

/** Asks for the name, and reboots. */
export function RebootDialog(props: { broker: Broker; names?: Map<string, string>; onClose: () => void }) {
  const { broker, names, onClose } = props;
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const reboot = async () => {
    await answer(api.POST('/v1/brokers/{broker-id}/reboot', { params: { path: { 'broker-id': broker.brokerId } } }));
    flash.done(t.rebooting(broker.brokerName));
    void changed();
  };
  return (
    <ConfirmByName
      title={t.rebootTitle(broker.brokerName)}
      lost={<RebootEffectText broker={broker} names={names} />}
      name={broker.brokerName}
      action={t.reboot}
      onConfirm={reboot}
      onClose={onClose}
    />
  );
}
