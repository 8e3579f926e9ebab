// Changes a user. What somebody else has changed meanwhile is shown, and not written over unasked.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { ApiError } from '../../api/errors';
import { afterReboot, changesOf, isSame, type UserValues } from '../../model/brokerUser';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { readUser } from './queries';
import { UserDialog } from './UserDialog';
import { type Draft, faultsFrom, faultsOf, UserFields } from './UserFields';

const { users } = text.broker;

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  username: string;
  onClose: () => void;
}

/** The user has changed since the form was opened; `latest` is how. */
class Stale extends Error {
  constructor(readonly latest: UserValues) {
    super();
  }
}

const draftOf = (values: UserValues, username: string): Draft => ({
  username,
  password: '',
  groups: values.groups.join(', '),
  consoleAccess: values.consoleAccess,
});

export function EditUser({ broker, username, onClose }: Props) {
  const { brokerId } = broker;
  // Read once for this form, apart from what the table shows: the form begins with what is there now, and stays.
  const { data, error, refetch } = useQuery({
    queryKey: ['user-form', brokerId, username],
    queryFn: async () => afterReboot(await readUser(brokerId, username)),
    gcTime: 0,
    staleTime: Infinity,
  });
  if (data) return <Form broker={broker} username={username} read={data} onClose={onClose} />;
  return (
    <UserDialog
      title={users.editTitle(username)}
      action={users.saveAction}
      isBusy={false}
      isDisabled
      onSubmit={() => {}}
      onClose={onClose}
    >
      {error ? <Problem error={error} onRetry={() => void refetch()} /> : <Loading />}
    </UserDialog>
  );
}

function Form({ broker, username, read, onClose }: Props & { read: UserValues }) {
  const queries = useQueryClient();
  const flash = useFlash();
  const { brokerId } = broker;
  const [base, setBase] = useState(read);
  const [draft, setDraft] = useState(() => draftOf(read, username));
  const [isTried, setTried] = useState(false);
  const changes = changesOf(base, draft);
  const own = faultsOf(draft, false);
  const saved = useMutation({
    mutationFn: async (known: UserValues) => {
      const latest = afterReboot(await readUser(brokerId, username));
      if (!isSame(latest, known)) throw new Stale(latest);
      return answer(
        api.PUT('/v1/brokers/{broker-id}/users/{username}', {
          params: { path: { 'broker-id': brokerId, username } },
          body: changesOf(known, draft),
        }),
      );
    },
    onSuccess: () => {
      flash.done(users.changed(username));
      void queries.invalidateQueries({ queryKey: ['broker', brokerId] });
      onClose();
    },
  });
  const stale = saved.error instanceof Stale ? saved.error.latest : undefined;
  const isGone = saved.error instanceof ApiError && saved.error.status === 404;
  useEffect(() => {
    // The table behind the form tells the same.
    if (stale || isGone) void queries.invalidateQueries({ queryKey: [keys.broker, brokerId] });
  }, [stale, isGone, queries, brokerId]);
  const told = faultsFrom(saved.error);
  const isNothing = !Object.keys(changes).length;
  const submit = () => {
    setTried(true);
    if (!Object.keys(own).length && !isNothing) saved.mutate(base);
  };
  return (
    <UserDialog
      title={users.editTitle(username)}
      action={users.saveAction}
      isBusy={saved.isPending}
      isDisabled={stale !== undefined || isGone}
      onSubmit={submit}
      onClose={onClose}
    >
      <SpaceBetween size="m">
        {isGone ? <Alert type="error">{users.staleGone}</Alert> : null}
        {stale ? (
          <StaleAlert
            latest={stale}
            onTake={() => {
              setBase(stale);
              setDraft({ ...draftOf(stale, username), password: draft.password });
              saved.reset();
            }}
            onKeep={() => {
              setBase(stale);
              saved.mutate(stale);
            }}
          />
        ) : null}
        <UserFields
          draft={draft}
          faults={isTried ? { ...told, ...own } : told}
          isNew={false}
          onChange={(next) => {
            if (!stale && !isGone) saved.reset();
            setDraft(next);
          }}
        />
        {isTried && isNothing ? <Box color="text-body-secondary">{users.nothingChanged}</Box> : null}
        {saved.error && !stale && !isGone && !Object.keys(told).length ? <Problem error={saved.error} /> : null}
      </SpaceBetween>
    </UserDialog>
  );
}

function StaleAlert({ latest, onTake, onKeep }: { latest: UserValues; onTake: () => void; onKeep: () => void }) {
  return (
    <Alert
      type="warning"
      header={users.stale}
      action={
        <SpaceBetween direction="horizontal" size="xs">
          <Button formAction="none" onClick={onTake}>
            {users.staleTake}
          </Button>
          <Button formAction="none" onClick={onKeep}>
            {users.staleKeep}
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="s">
        <div>{users.staleHelp}</div>
        <KeyValuePairs
          columns={2}
          items={[
            { label: users.groups, value: latest.groups.join(', ') || users.noGroups },
            { label: users.console, value: latest.consoleAccess ? text.common.yes : text.common.no },
          ]}
        />
      </SpaceBetween>
    </Alert>
  );
}
