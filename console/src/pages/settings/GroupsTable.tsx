import { useCollection } from '@cloudscape-design/collection-hooks';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { RouterLink } from '../../shared/RouterLink';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import type { Group } from './queries';
import { RuleList } from './rules';

const t = text.settings.network;
const PAGE = 20;

interface Props {
  groups: Group[] | undefined;
  isLoading: boolean;
  onCreate: () => void;
  onEdit: (group: Group) => void;
}

/** All groups of the account and region, with their rules and the brokers that use them. */
export function GroupsTable({ groups, isLoading, onCreate, onEdit }: Props) {
  const [deleted, setDeleted] = useState<Group>();
  const client = useQueryClient();
  const flash = useFlash();
  const collection = useCollection(groups ?? [], {
    filtering: {
      filteringFunction: (group, wanted) =>
        [group.name, group.securityGroupId, group.description, ...group.rules.map(({ cidr }) => cidr)]
          .concat(group.brokers.map(({ brokerName }) => brokerName))
          .some((value) => value.toLowerCase().includes(wanted.toLowerCase())),
      empty: (
        <Box textAlign="center" padding="m">
          <SpaceBetween size="s">
            <div>{t.allEmpty}</div>
            <Button onClick={onCreate}>{t.create}</Button>
          </SpaceBetween>
        </Box>
      ),
      noMatch: <Box padding="m">{text.common.noMatch}</Box>,
    },
    sorting: { defaultState: { sortingColumn: { sortingField: 'name' } } },
    pagination: { pageSize: PAGE },
  });
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount, actions } = collection;
  const remove = async ({ securityGroupId, name }: Group) => {
    const params = { path: { 'security-group-id': securityGroupId } };
    await answer(api.DELETE('/brokerd/v1/security-groups/{security-group-id}', { params }));
    flash.done(t.deleted(name));
    void client.invalidateQueries({ queryKey: ['security-groups'] });
  };
  return (
    <>
      <Table
        {...collectionProps}
        header={
          <Header
            variant="h2"
            counter={text.settings.pendingCount(groups?.length ?? 0)}
            description={t.allHelp}
            actions={<Button onClick={onCreate}>{t.create}</Button>}
          >
            {t.all}
          </Header>
        }
        filter={
          groups && groups.length > 5 ? (
            <TextFilter
              {...filterProps}
              filteringPlaceholder={t.filter}
              filteringAriaLabel={t.filter}
              countText={text.settings.pendingCount(filteredItemsCount ?? 0)}
            />
          ) : undefined
        }
        pagination={
          groups && groups.length > PAGE ? (
            <Pagination
              {...paginationProps}
              onChange={({ detail }) => actions.setCurrentPage(detail.currentPageIndex)}
            />
          ) : undefined
        }
        ariaLabels={{ tableLabel: t.all }}
        items={items}
        trackBy="securityGroupId"
        loading={isLoading}
        loadingText={text.common.loading}
        wrapLines
        columnDefinitions={[
          {
            id: 'name',
            header: t.name,
            sortingField: 'name',
            isRowHeader: true,
            minWidth: 160,
            cell: ({ name, securityGroupId, description }) => (
              <>
                <div>{name}</div>
                <Box variant="small">{securityGroupId}</Box>
                {description ? <Box color="text-body-secondary">{description}</Box> : null}
              </>
            ),
          },
          { id: 'rules', header: t.rules, minWidth: 240, cell: ({ rules }) => <RuleList rules={rules} /> },
          {
            id: 'brokers',
            header: t.usedBy,
            minWidth: 130,
            cell: ({ brokers }) =>
              brokers.length
                ? brokers.map(({ brokerId, brokerName }) => (
                    <div key={brokerId}>
                      <RouterLink href={`/brokers/${brokerId}`}>{brokerName}</RouterLink>
                    </div>
                  ))
                : t.usedByNone,
          },
          {
            id: 'created',
            header: t.created,
            sortingField: 'created',
            minWidth: 150,
            cell: ({ created }) => <Time value={created} />,
          },
          {
            id: 'actions',
            header: text.settings.action,
            minWidth: 140,
            cell: (group) => {
              const users = group.brokers.map(({ brokerName }) => brokerName).join(', ');
              return (
                <SpaceBetween direction="horizontal" size="s">
                  <Button variant="inline-link" ariaLabel={t.editWhat(group.name)} onClick={() => onEdit(group)}>
                    {t.edit}
                  </Button>
                  <Button
                    variant="inline-link"
                    ariaLabel={t.deleteWhat(group.name)}
                    disabled={users !== ''}
                    disabledReason={users ? t.inUse(users) : undefined}
                    onClick={() => setDeleted(group)}
                  >
                    {text.common.delete}
                  </Button>
                </SpaceBetween>
              );
            },
          },
        ]}
      />
      {deleted ? (
        <ConfirmByName
          title={t.deleteTitle(deleted.name)}
          lost={t.deleteLost(deleted.rules.length)}
          name={deleted.name}
          action={text.common.delete}
          onConfirm={() => remove(deleted)}
          onClose={() => setDeleted(undefined)}
        />
      ) : null}
    </>
  );
}
