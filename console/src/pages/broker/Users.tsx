// The users of a broker, with what waits for a reboot.
import { useCollection } from '@cloudscape-design/collection-hooks';
import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { isChangeable } from '../../model/rebootEffect';
import { text } from '../../text';
import { DeleteUser } from './DeleteUser';
import { EditUser } from './EditUser';
import { NewUser } from './NewUser';
import { useUser } from './queries';
import { UsersElsewhere } from './UsersElsewhere';

type Broker = Schemas['DescribeBrokerResponse'];
type User = Schemas['UserSummary'];

const { users } = text.broker;
/** Each shown user costs a call. */
const PAGE = 10;

export default function Users({ broker }: { broker: Broker }) {
  if (broker.brokerState === 'DELETION_IN_PROGRESS') return <Alert type="info">{users.deleting}</Alert>;
  if (broker.engineType === 'RabbitMQ') return <UsersElsewhere broker={broker} />;
  return (
    <SpaceBetween size="l">
      {broker.authenticationStrategy === 'ldap' ? (
        <Alert type="info" header={users.ldap}>
          {users.ldapHelp}
        </Alert>
      ) : null}
      <UserTable broker={broker} />
    </SpaceBetween>
  );
}

type Dialog = { kind: 'create' } | { kind: 'edit' | 'delete'; user: User };

function UserTable({ broker }: { broker: Broker }) {
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const { items, filterProps, paginationProps, filteredItemsCount } = useCollection(broker.users, {
    filtering: {
      filteringFunction: ({ username }, word) => username.toLowerCase().includes(word.toLowerCase()),
      empty: users.empty,
      noMatch: text.common.noMatch,
    },
    pagination: { pageSize: PAGE },
    sorting: {},
  });
  const isFrozen = !isChangeable(broker.brokerState);
  const refusal = text.broker.actions.notNow(broker.brokerState);
  return (
    <>
      <Table
        items={items}
        trackBy="username"
        header={
          <Header
            variant="h2"
            counter={`(${broker.users.length})`}
            description={users.help}
            actions={
              <Button
                onClick={() => setDialog({ kind: 'create' })}
                disabled={isFrozen}
                {...(isFrozen ? { disabledReason: refusal } : {})}
              >
                {users.create}
              </Button>
            }
          >
            {users.title}
          </Header>
        }
        filter={
          <TextFilter
            {...filterProps}
            filteringPlaceholder={users.find}
            filteringAriaLabel={users.find}
            filteringClearAriaLabel={text.common.clearFilter}
            countText={users.matches(filteredItemsCount ?? 0)}
          />
        }
        pagination={
          broker.users.length > PAGE ? (
            <Pagination
              {...paginationProps}
              ariaLabels={{
                pageLabel: users.page,
                nextPageLabel: users.nextPage,
                previousPageLabel: users.previousPage,
              }}
            />
          ) : undefined
        }
        empty={<Box textAlign="center">{broker.users.length ? text.common.noMatch : users.empty}</Box>}
        columnDefinitions={[
          { id: 'name', header: users.name, cell: (user) => user.username, isRowHeader: true },
          { id: 'groups', header: users.groups, cell: (user) => <Groups broker={broker} user={user} /> },
          { id: 'console', header: users.console, cell: (user) => <ConsoleAccess broker={broker} user={user} /> },
          { id: 'pending', header: users.pending, cell: (user) => <Pending user={user} /> },
          {
            id: 'actions',
            header: text.broker.actions.label,
            cell: (user) => (
              <ButtonDropdown
                variant="inline-icon"
                ariaLabel={users.actionsOf(user.username)}
                expandToViewport
                items={[
                  { id: 'edit', text: users.edit, disabled: isFrozen || user.pendingChange === 'DELETE' },
                  { id: 'delete', text: users.delete, disabled: isFrozen || user.pendingChange === 'DELETE' },
                ]}
                onItemClick={({ detail: { id } }) => setDialog({ kind: id as 'edit' | 'delete', user })}
              />
            ),
          },
        ]}
      />
      {dialog?.kind === 'create' ? <NewUser broker={broker} onClose={close} /> : null}
      {dialog?.kind === 'edit' ? <EditUser broker={broker} username={dialog.user.username} onClose={close} /> : null}
      {dialog?.kind === 'delete' ? <DeleteUser broker={broker} user={dialog.user} onClose={close} /> : null}
    </>
  );
}

interface CellProps {
  broker: Broker;
  user: User;
}

const words = (groups: string[]) => groups.join(', ') || text.common.none;

function Groups({ broker, user }: CellProps) {
  const { data } = useUser(broker.brokerId, user.username);
  if (!data) return text.common.none;
  const after = data.pending?.groups;
  const isUpdate = data.pending?.pendingChange === 'UPDATE';
  const isOther = isUpdate && after !== undefined && words(after) !== words(data.groups);
  return (
    <>
      <div>{words(data.groups)}</div>
      {isOther ? <After>{after.join(', ') || users.noGroups}</After> : null}
    </>
  );
}

function ConsoleAccess({ broker, user }: CellProps) {
  const { data } = useUser(broker.brokerId, user.username);
  if (!data) return text.common.none;
  const after = data.pending?.consoleAccess;
  const word = (has: boolean) => (has ? text.common.yes : text.common.no);
  const isOther = after !== undefined && data.pending?.pendingChange === 'UPDATE' && after !== data.consoleAccess;
  return (
    <>
      <div>{word(data.consoleAccess)}</div>
      {isOther ? <After>{word(after)}</After> : null}
      {data.replicationUser ? <Badge>{users.replication}</Badge> : null}
    </>
  );
}

function After({ children }: { children: string }) {
  return (
    <Box color="text-body-secondary" fontSize="body-s">
      {users.after(children)}
    </Box>
  );
}

function Pending({ user }: { user: User }) {
  if (!user.pendingChange) return text.common.none;
  const color = user.pendingChange === 'DELETE' ? 'red' : 'blue';
  return <Badge color={color}>{users.pendings[user.pendingChange] ?? user.pendingChange}</Badge>;
}
