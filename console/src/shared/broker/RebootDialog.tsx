import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { pendingChanges } from '../../model/pendingChanges';
import { rebootEffect } from '../../model/rebootEffect';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { FormDialog } from '../FormDialog';
import { PendingTable } from './PendingTable';

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  /** The names of configurations by their identifiers, where they are known. */
  names?: Map<string, string> | undefined;
}

const { reboot } = text.broker;

/** What a reboot applies. */
export function Applied({ label = reboot.whatApplies, broker, names }: Props & { label?: string }) {
  const { length } = pendingChanges(broker);
  if (!length) return <div>{reboot.nothing}</div>;
  return (
    <SpaceBetween size="xs">
      <div>{reboot.applies(length)}</div>
      <PendingTable label={label} broker={broker} names={names} />
    </SpaceBetween>
  );
}

/** What clients notice of a reboot, and what stays and what does not. */
export function Effect({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  return (
    <SpaceBetween size="xs">
      <div>{reboot.effects[rebootEffect(broker)]}</div>
      <Box variant="small">{reboot.kept}</Box>
    </SpaceBetween>
  );
}

/** Says what a reboot applies and what clients notice of it, and does it. */
export function RebootDialog({ broker, names, onClose }: Props & { onClose: () => void }) {
  const queries = useQueryClient();
  const flash = useFlash();
  const { brokerId: id, brokerName: name } = broker;
  const submit = async () => {
    await answer(api.POST('/v1/brokers/{broker-id}/reboot', { params: { path: { 'broker-id': id } } }));
    flash.done(reboot.accepted(name));
    void queries.invalidateQueries({ queryKey: [keys.broker, id] });
    void queries.invalidateQueries({ queryKey: [keys.brokers] });
  };
  return (
    <FormDialog
      title={reboot.title(name)}
      action={reboot.action}
      size={pendingChanges(broker).length ? 'large' : 'medium'}
      onSubmit={submit}
      onClose={onClose}
    >
      <Alert type="warning">
        <Effect broker={broker} />
      </Alert>
      <Applied label={reboot.whatThisApplies} broker={broker} names={names} />
    </FormDialog>
  );
}
