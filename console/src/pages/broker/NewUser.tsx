import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { names } from '../../model/credentials';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { UserDialog } from './UserDialog';
import { type Draft, faultsFrom, faultsOf, UserFields } from './UserFields';

const { users } = text.broker;

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  onClose: () => void;
}

export function NewUser({ broker, onClose }: Props) {
  const queries = useQueryClient();
  const flash = useFlash();
  const [draft, setDraft] = useState<Draft>({ username: '', password: '', groups: '', consoleAccess: false });
  const [isTried, setTried] = useState(false);
  const created = useMutation({
    mutationFn: ({ username, password, groups, consoleAccess }: Draft) =>
      answer(
        api.POST('/v1/brokers/{broker-id}/users/{username}', {
          params: { path: { 'broker-id': broker.brokerId, username } },
          body: { password, consoleAccess, groups: names(groups) },
        }),
      ),
    onSuccess: (_, { username }) => {
      flash.done(users.created(username));
      void queries.invalidateQueries({ queryKey: [keys.broker, broker.brokerId] });
      onClose();
    },
  });
  const own = faultsOf(draft, true);
  const told = faultsFrom(created.error);
  const faults = isTried ? { ...told, ...own } : told;
  const submit = () => {
    setTried(true);
    if (!Object.keys(own).length) created.mutate(draft);
  };
  return (
    <UserDialog
      title={users.createTitle}
      action={users.createAction}
      isBusy={created.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <SpaceBetween size="m">
        <UserFields
          draft={draft}
          faults={faults}
          isNew
          onChange={(next) => {
            created.reset();
            setDraft(next);
          }}
        />
        {created.error && !Object.keys(told).length ? <Problem error={created.error} /> : null}
      </SpaceBetween>
    </UserDialog>
  );
}
