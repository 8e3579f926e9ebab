import { useQueryClient } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';

const { users } = text.broker;

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  user: Schemas['UserSummary'];
  onClose: () => void;
}

export function DeleteUser({ broker, user, onClose }: Props) {
  const queries = useQueryClient();
  const flash = useFlash();
  const { username } = user;
  return (
    <ConfirmByName
      title={users.deleteTitle(username)}
      lost={users.deleteLost(username)}
      name={username}
      action={users.delete}
      onClose={onClose}
      onConfirm={async () => {
        const path = { 'broker-id': broker.brokerId, username };
        await answer(api.DELETE('/v1/brokers/{broker-id}/users/{username}', { params: { path } }));
        flash.done(user.pendingChange === 'CREATE' ? users.deletedAtOnce(username) : users.deleted(username));
        void queries.invalidateQueries({ queryKey: [keys.broker, broker.brokerId] });
      }}
    />
  );
}
