import { useQueryClient } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { ConfirmByName } from '../ConfirmByName';
import { Lost } from './Losses';

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  onClose: () => void;
}

/** Names what is lost with the broker, asks for its name, and deletes it. Its page stays until it is gone. */
export function DeleteDialog({ broker, onClose }: Props) {
  const queries = useQueryClient();
  const flash = useFlash();
  const { remove } = text.broker;
  const { brokerId: id, brokerName: name } = broker;
  return (
    <ConfirmByName
      title={remove.title(name)}
      lost={<Lost broker={broker} />}
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
