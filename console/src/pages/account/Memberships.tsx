// The groups of a user.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { FormDialog } from '../../shared/FormDialog';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { groupsOf, joinGroup, keys, leaveGroup } from './iam';
import { IdentitySelect } from './IdentitySelect';

const words = text.account.users;

export function Memberships({ user }: { user: string }) {
  const [isAdding, setAdding] = useState(false);
  const [group, setGroup] = useState<string>();
  const queries = useQueryClient();
  const flash = useFlash();
  const queryKey = [...keys.one('user', user), 'groups'];
  const query = useQuery({ queryKey, queryFn: () => groupsOf(user) });
  const again = () => queries.invalidateQueries({ queryKey });
  const leave = async (name: string) => {
    try {
      await leaveGroup(name, user);
      flash.done(text.account.groups.removed(user, name));
      await again();
    } catch (error) {
      flash.failed(words.leave(name), error);
    }
  };
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const items = query.data ?? [];
  return (
    <>
      <Table
        items={items}
        trackBy="id"
        loading={query.isPending}
        loadingText={text.common.loading}
        enableKeyboardNavigation
        header={
          <Header
            variant="h2"
            counter={`(${items.length})`}
            description={words.groupsHelp}
            actions={<Button onClick={() => setAdding(true)}>{words.join}</Button>}
          >
            {words.groups}
          </Header>
        }
        columnDefinitions={[
          {
            id: 'name',
            header: text.account.name,
            isRowHeader: true,
            minWidth: 160,
            cell: ({ name }) => (
              <RouterLink href={`/account/groups?name=${encodeURIComponent(name)}`}>{name}</RouterLink>
            ),
          },
          {
            id: 'remove',
            header: text.account.remove,
            minWidth: 100,
            cell: ({ name }) => (
              <Button variant="inline-link" ariaLabel={words.leave(name)} onClick={() => void leave(name)}>
                {text.account.remove}
              </Button>
            ),
          },
        ]}
        empty={
          <Box textAlign="center" padding="m">
            {words.noGroups}
          </Box>
        }
      />
      {isAdding ? (
        <FormDialog
          title={words.join}
          action={text.account.add}
          isDisabled={!group}
          onClose={() => setAdding(false)}
          onSubmit={async () => {
            await joinGroup(group ?? '', user);
            flash.done(text.account.groups.added(user, group ?? ''));
            setGroup(undefined);
            await again();
          }}
        >
          <IdentitySelect kind="group" label={text.account.groups.group} value={group} onChange={setGroup} />
        </FormDialog>
      ) : null}
    </>
  );
}
