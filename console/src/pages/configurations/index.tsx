// The configurations of the account in the region.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useCollection } from '@cloudscape-design/collection-hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { CopyText } from '../../shared/CopyText';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { Ago } from '../../shared/Time';
import { allPages, usePages } from '../../shared/usePages';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { CreateConfiguration } from './CreateConfiguration';
import { keys, MOST_ON_A_PAGE, readPage, type Summary } from './data';

const words = text.configurations;
const SIZES = [10, 20, 50, 100];
const SIZE_KEY = 'brokerd.configurations.size';

const columns = [
  {
    id: 'name',
    header: words.name,
    cell: (one: Summary) => <RouterLink href={`/configurations/${one.id}`}>{one.name}</RouterLink>,
    isRowHeader: true,
    minWidth: 160,
  },
  { id: 'engine', header: words.engine, cell: (one: Summary) => `${one.engineType} ${one.engineVersion}`, minWidth: 130 },
  {
    id: 'strategy',
    header: words.strategy,
    cell: (one: Summary) => strategy(one.authenticationStrategy),
    minWidth: 130,
  },
  {
    id: 'latest',
    header: words.latest,
    cell: (one: Summary) => (
      <>
        {one.latestRevision.revision} · <Ago value={one.latestRevision.created} />
      </>
    ),
    minWidth: 170,
  },
  { id: 'id', header: words.id, cell: (one: Summary) => <CopyText value={one.id} label={words.id} />, minWidth: 200 },
  { id: 'created', header: words.createdAt, cell: (one: Summary) => <Ago value={one.created} />, minWidth: 130 },
];

/** `simple` or `ldap` in words. */
export function strategy(name: string): string {
  return name.toLowerCase() === 'ldap' ? words.strategies.ldap : words.strategies.simple;
}

export default function Page() {
  const [size, setSize] = useState(() => Number(localStorage.getItem(SIZE_KEY)) || 20);
  const [filter, setFilter] = useState('');
  const [isCreating, setCreating] = useState(false);
  const queries = useQueryClient();
  const flash = useFlash();
  const [, navigate] = useLocation();
  const pages = usePages([...keys.list, size], (token) => readPage(size, token), filter === '');
  // The server does not filter. An account has at most 1000, so that all of them can be looked at.
  const all = useQuery({
    queryKey: [...keys.list, 'all'],
    queryFn: () => allPages((token) => readPage(MOST_ON_A_PAGE, token)),
    enabled: filter !== '',
  });
  const wanted = filter.toLowerCase();
  const found = (all.data ?? []).filter((one) =>
    [one.name, one.id, `${one.engineType} ${one.engineVersion}`].some((part) => part.toLowerCase().includes(wanted)),
  );
  const matches = useCollection(found, { pagination: { pageSize: size } });
  const isFiltered = filter !== '';
  const query = isFiltered ? all : pages.query;
  const refresh = () => void queries.invalidateQueries({ queryKey: keys.list });

  if (query.error && !query.data) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <>
      <Table
        variant="full-page"
        items={isFiltered ? [...matches.items] : pages.items}
        columnDefinitions={columns}
        trackBy="id"
        loading={query.isPending}
        loadingText={text.common.loading}
        stickyHeader
        enableKeyboardNavigation
        header={
          <Header
            variant="h1"
            description={words.intro}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  iconName="refresh"
                  ariaLabel={text.common.refresh}
                  loading={query.isFetching && !query.isPending}
                  onClick={refresh}
                />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  {words.create}
                </Button>
              </SpaceBetween>
            }
          >
            {words.title}
          </Header>
        }
        filter={
          <TextFilter
            filteringText={filter}
            filteringAriaLabel={words.filter}
            filteringPlaceholder={words.filter}
            countText={isFiltered && all.data ? words.filtered(found.length) : ''}
            onChange={({ detail }) => setFilter(detail.filteringText)}
          />
        }
        pagination={
          <Pagination
            {...(isFiltered ? matches.paginationProps : pages.pagination)}
            ariaLabels={{
              nextPageLabel: words.pages.next,
              previousPageLabel: words.pages.previous,
              pageLabel: words.pages.page,
            }}
          />
        }
        preferences={
          <CollectionPreferences
            title={words.preferences}
            confirmLabel={text.common.save}
            cancelLabel={text.common.cancel}
            preferences={{ pageSize: size }}
            onConfirm={({ detail }) => {
              const chosen = detail.pageSize ?? size;
              localStorage.setItem(SIZE_KEY, String(chosen));
              setSize(chosen);
            }}
            pageSizePreference={{
              title: words.pageSize,
              options: SIZES.map((value) => ({ value, label: words.pageSizeOf(value) })),
            }}
          />
        }
        empty={
          <Box textAlign="center" padding="m">
            <SpaceBetween size="s">
              <Box variant="strong">{isFiltered ? text.common.noMatch : words.empty}</Box>
              {isFiltered ? (
                <Button onClick={() => setFilter('')}>{text.common.clearFilter}</Button>
              ) : (
                <Box color="text-body-secondary">{words.emptyHelp}</Box>
              )}
            </SpaceBetween>
          </Box>
        }
      />
      {isCreating ? (
        <CreateConfiguration
          onClose={() => setCreating(false)}
          onCreated={({ id, name }) => {
            refresh();
            flash.done(words.created(name));
            navigate(`/configurations/${id}`);
          }}
        />
      ) : null}
    </>
  );
}
