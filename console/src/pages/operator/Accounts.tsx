// The accounts: what each may have and has, and what the operator does with them.
import { useCollection } from '@cloudscape-design/collection-hooks';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { useSession } from '../../api/session';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { Problem } from '../../shared/Problem';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { AccountForm } from './AccountForm';
import { NewKey } from './NewKey';
import { SuspendDialog } from './SuspendDialog';
import { UsageCell, UsageDialog } from './Usage';

export type Account = Schemas['AccountView'];

type Open = { kind: 'create' } | { kind: 'edit' | 'usage' | 'suspend' | 'delete'; account: Account };

/** Accounts on a page: the usage of each is a call of its own. */
const PAGE_SIZE = 20;

async function allAccounts(): Promise<Account[]> {
  const all: Account[] = [];
  let nextToken: string | undefined;
  do {
    const query = { maxResults: 100, ...(nextToken ? { nextToken } : {}) };
    const page = await answer(api.GET('/brokerd/v1/accounts', { params: { query } }));
    all.push(...page.accounts);
    nextToken = page.nextToken;
  } while (nextToken);
  return all;
}

export function Accounts() {
  const session = useSession();
  const flash = useFlash();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['accounts'], queryFn: allAccounts });
  const [open, setOpen] = useState<Open>();
  const [newest, setNewest] = useState<Account>();
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount } = useCollection(query.data ?? [], {
    filtering: { fields: ['name', 'accountId', 'state'] },
    pagination: { pageSize: PAGE_SIZE },
    sorting: { defaultState: { sortingColumn: { sortingField: 'name' } } },
    selection: { trackBy: 'accountId' },
  });
  if (query.isError) return <Problem error={query.error} onRetry={() => void query.refetch()} />;

  // As it is now: what was selected is as it was then.
  const selectedId = collectionProps.selectedItems?.[0]?.accountId;
  const selected = query.data?.find(({ accountId }) => accountId === selectedId);
  const renew = () => client.invalidateQueries({ queryKey: ['accounts'] });
  // Not after a deletion: nobody may ask for the usage of an account that is gone.
  const renewAll = () => Promise.all([renew(), client.invalidateQueries({ queryKey: ['account-usage'] })]);
  const resume = async (account: Account) => {
    try {
      const parameters = { params: { path: { 'account-id': account.accountId } }, body: { state: 'ACTIVE' } };
      await answer(api.PUT('/brokerd/v1/accounts/{account-id}', parameters));
      flash.done(text.operator.resumedNow(account.name));
    } catch (error) {
      flash.failed(text.operator.resume, error);
    }
    await renew();
  };
  const remove = async (account: Account) => {
    await answer(
      api.DELETE('/brokerd/v1/accounts/{account-id}', { params: { path: { 'account-id': account.accountId } } }),
    );
    flash.done(text.operator.deleted(account.name));
    await renew();
  };
  const close = () => setOpen(undefined);

  return (
    <SpaceBetween size="l">
      {newest ? <NewKey account={newest} onClose={() => setNewest(undefined)} /> : null}
      <Table
        {...collectionProps}
        variant="container"
        selectionType="single"
        items={items}
        loading={query.isPending}
        loadingText={text.common.loading}
        onRowClick={({ detail }) => collectionProps.onSelectionChange?.(selectionOf(detail.item))}
        ariaLabels={{
          tableLabel: text.operator.accounts,
          selectionGroupLabel: text.operator.selection,
          itemSelectionLabel: (_, account) => text.operator.select(account.name),
        }}
        header={
          <Header
            variant="h2"
            description={text.operator.accountsIntro}
            counter={query.data ? `(${query.data.length})` : ''}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  iconName="refresh"
                  ariaLabel={text.common.refresh}
                  loading={query.isRefetching}
                  onClick={() => void renewAll()}
                />
                <Actions
                  account={selected}
                  isOwn={selected?.accountId === session.accountId}
                  onOpen={(kind, account) => (kind === 'resume' ? void resume(account) : setOpen({ kind, account }))}
                />
                <Button variant="primary" onClick={() => setOpen({ kind: 'create' })}>
                  {text.operator.create}
                </Button>
              </SpaceBetween>
            }
          >
            {text.operator.accounts}
          </Header>
        }
        filter={
          <TextFilter
            {...filterProps}
            filteringPlaceholder={text.operator.find}
            filteringAriaLabel={text.operator.find}
            countText={text.operator.matches(filteredItemsCount ?? 0)}
          />
        }
        pagination={<Pagination {...paginationProps} />}
        empty={filterProps.filteringText ? text.common.noMatch : text.operator.noAccounts}
        columnDefinitions={[
          {
            id: 'name',
            header: text.operator.name,
            cell: (account) => account.name,
            sortingField: 'name',
            isRowHeader: true,
          },
          { id: 'id', header: text.operator.id, cell: (account) => account.accountId, sortingField: 'accountId' },
          {
            id: 'state',
            header: text.operator.state,
            sortingField: 'state',
            cell: (account) =>
              account.state === 'SUSPENDED' ? (
                <StatusIndicator type="stopped">{text.operator.suspended}</StatusIndicator>
              ) : (
                <StatusIndicator type="success">{text.operator.active}</StatusIndicator>
              ),
          },
          ...(['brokers', 'memoryMib', 'storageGib'] as const).map((name) => ({
            id: name,
            header: text.operator.quota[name],
            cell: (account: Account) => <UsageCell account={account} name={name} />,
          })),
          {
            id: 'rate',
            header: text.operator.quota.apiRate,
            cell: (account) => account.quotas.apiRate ?? text.operator.unlimited,
          },
          {
            id: 'created',
            header: text.operator.created,
            cell: (account) => <Time value={account.created} />,
            sortingField: 'created',
          },
        ]}
      />
      {open?.kind === 'create' ? (
        <AccountForm
          onClose={close}
          onSaved={(account) => {
            setNewest(account);
            void renew();
          }}
        />
      ) : null}
      {open?.kind === 'edit' ? (
        <AccountForm
          account={open.account}
          onClose={close}
          onSaved={(account) => {
            flash.done(text.operator.saved(account.name));
            void renewAll();
          }}
        />
      ) : null}
      {open?.kind === 'usage' ? <UsageDialog account={open.account} onClose={close} /> : null}
      {open?.kind === 'suspend' ? (
        <SuspendDialog account={open.account} onClose={close} onDone={() => void renew()} />
      ) : null}
      {open?.kind === 'delete' ? (
        <ConfirmByName
          title={text.operator.deleteTitle(open.account.name)}
          lost={text.operator.deleteWhat}
          name={open.account.name}
          action={text.operator.delete}
          onConfirm={() => remove(open.account)}
          onClose={close}
        />
      ) : null}
    </SpaceBetween>
  );
}

function selectionOf(account: Account) {
  return { detail: { selectedItems: [account] } } as unknown as CustomEvent<{ selectedItems: Account[] }>;
}

interface ActionsProps {
  account: Account | undefined;
  isOwn: boolean;
  onOpen: (kind: 'edit' | 'usage' | 'suspend' | 'resume' | 'delete', account: Account) => void;
}

function Actions({ account, isOwn, onOpen }: ActionsProps) {
  const item = (id: 'edit' | 'usage' | 'suspend' | 'resume' | 'delete', isBarred = false) => {
    const reason = !account ? text.operator.selectFirst : isBarred ? text.operator.ownNot : undefined;
    return { id, text: text.operator[id], ...(reason ? { disabled: true, disabledReason: reason } : {}) };
  };
  return (
    <ButtonDropdown
      items={[
        item('usage'),
        item('edit'),
        account?.state === 'SUSPENDED' ? item('resume') : item('suspend', isOwn),
        item('delete', isOwn),
      ]}
      onItemClick={({ detail }) => (account ? onOpen(detail.id as 'edit', account) : undefined)}
    >
      {text.operator.actions}
    </ButtonDropdown>
  );
}
