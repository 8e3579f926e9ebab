import { useQueryClient } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { useFlash } from '../../shell/flash';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { keys } from '../../shell/live';
import { text } from '../../text';

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  onClose: () => void;
}

/** Asks for the broker's name, and deletes it. */
export function DeleteDialog({ broker, onClose }: Props) {
  const queries = useQueryClient();
  const flash = useFlash();
  const { remove } = text.broker;
  const { brokerId: id, brokerName: name } = broker;
  return (
    <ConfirmByName
      title={remove.title(name)}
      lost={remove.lost}
      name={name}
      action={remove.action}
      onClose={onClose}
      onConfirm={async () => {
        await answer(api.DELETE('/v1/brokers/{broker-id}', { params: { path: { 'broker-id': id } } }));
        flash.done(remove.accepted(name));
        await queries.invalidateQueries({ queryKey: [keys.broker, id] });
        void queries.invalidateQueries({ queryKey: [keys.brokers] });
      }}
    />
  );
}
