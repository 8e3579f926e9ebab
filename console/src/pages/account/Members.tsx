// The users of a group.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { FormDialog } from '../../shared/FormDialog';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { Ago } from '../../shared/Time';
import { usePages } from '../../shared/usePages';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { joinGroup, keys, leaveGroup, pageOfMembers } from './iam';
import { IdentitySelect } from './IdentitySelect';

const words = text.account.groups;
const SIZE = 20;

export function Members({ group }: { group: string }) {
  const [isAdding, setAdding] = useState(false);
  const [user, setUser] = useState<string>();
  const queries = useQueryClient();
  const flash = useFlash();
  const queryKey = [...keys.one('group', group), 'members'];
  const { items, query, pagination } = usePages(queryKey, (token) => pageOfMembers(group, SIZE, token));
  const again = () => queries.invalidateQueries({ queryKey });
  const remove = async (name: string) => {
    try {
      await leaveGroup(group, name);
      flash.done(words.removed(name, group));
      await again();
    } catch (error) {
      flash.failed(words.removeMember(name), error);
    }
  };
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <>
      <Table
        items={items}
        trackBy="id"
        loading={query.isPending}
        loadingText={text.common.loading}
        enableKeyboardNavigation
        header={
          <Header variant="h2" actions={<Button onClick={() => setAdding(true)}>{words.addMember}</Button>}>
            {words.members}
          </Header>
        }
        pagination={
          pagination.pagesCount > 1 || pagination.openEnd ? (
            <Pagination
              {...pagination}
              ariaLabels={{
                nextPageLabel: text.configurations.pages.next,
                previousPageLabel: text.configurations.pages.previous,
                pageLabel: text.configurations.pages.page,
              }}
            />
          ) : undefined
        }
        columnDefinitions={[
          {
            id: 'name',
            header: words.user,
            isRowHeader: true,
            minWidth: 160,
            cell: ({ name }) => (
              <RouterLink href={`/account/users?name=${encodeURIComponent(name)}`}>{name}</RouterLink>
            ),
          },
          {
            id: 'created',
            header: text.account.createdAt,
            minWidth: 130,
            cell: ({ created }) => <Ago value={created} />,
          },
          {
            id: 'remove',
            header: text.account.remove,
            minWidth: 100,
            cell: ({ name }) => (
              <Button variant="inline-link" ariaLabel={words.removeMember(name)} onClick={() => void remove(name)}>
                {text.account.remove}
              </Button>
            ),
          },
        ]}
        empty={
          <Box textAlign="center" padding="m">
            {words.noMembers}
          </Box>
        }
      />
      {isAdding ? (
        <FormDialog
          title={words.addMember}
          action={text.account.add}
          isDisabled={!user}
          onClose={() => setAdding(false)}
          onSubmit={async () => {
            await joinGroup(group, user ?? '');
            flash.done(words.added(user ?? '', group));
            setUser(undefined);
            await again();
          }}
        >
          <IdentitySelect kind="user" label={words.user} value={user} onChange={setUser} />
        </FormDialog>
      ) : null}
    </>
  );
}
