// A table of a list that the server gives page by page and does not filter: a filter reads all of it.
import { useCollection } from '@cloudscape-design/collection-hooks';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { text } from '../text';
import { Problem } from './Problem';
import { allPages, type PageOf, usePages } from './usePages';

const words = text.configurations;
const SIZES = [10, 20, 50, 100];

export interface ServerTableProps<T> {
  /** The first words of the queries' keys: what makes them stale makes the table read anew. */
  queryKey: readonly unknown[];
  read: (size: number, token: string | undefined) => Promise<PageOf<T>>;
  /** The most items that the server gives at once. */
  mostOnAPage: number;
  /** What of an item is searched by the filter. */
  searched: (item: T) => string[];
  columns: TableProps.ColumnDefinition<T>[];
  trackBy: string;
  title: string;
  headingLevel?: 'h1' | 'h2';
  variant?: TableProps['variant'];
  description?: string;
  filterLabel: string;
  empty: string;
  emptyHelp?: string;
  /** Buttons beside the one that reads anew. */
  actions?: ReactNode;
  /** Under which name the size of pages is kept. */
  sizeKey: string;
}

export function ServerTable<T>(props: ServerTableProps<T>) {
  const { queryKey, read, mostOnAPage, columns, filterLabel } = props;
  const storage = `brokerd.${props.sizeKey}.size`;
  const [size, setSize] = useState(() => Number(localStorage.getItem(storage)) || 20);
  const [filter, setFilter] = useState('');
  const queries = useQueryClient();
  const isFiltered = filter !== '';
  const pages = usePages([...queryKey, 'pages', size], (token) => read(size, token), !isFiltered);
  const all = useQuery({
    queryKey: [...queryKey, 'all'],
    queryFn: () => allPages((token) => read(mostOnAPage, token)),
    enabled: isFiltered,
  });
  const wanted = filter.trim().toLowerCase();
  const found = (all.data ?? []).filter((item) =>
    props.searched(item).some((part) => part.toLowerCase().includes(wanted)),
  );
  const matches = useCollection(found, { pagination: { pageSize: size } });
  const query = isFiltered ? all : pages.query;

  if (query.error && !query.data) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <Table
      variant={props.variant ?? 'container'}
      items={isFiltered ? [...matches.items] : pages.items}
      columnDefinitions={columns}
      trackBy={props.trackBy}
      loading={query.isPending}
      loadingText={text.common.loading}
      enableKeyboardNavigation
      header={
        <Header
          variant={props.headingLevel ?? 'h2'}
          description={props.description}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button
                iconName="refresh"
                ariaLabel={text.common.refresh}
                loading={query.isFetching && !query.isPending}
                onClick={() => void queries.invalidateQueries({ queryKey })}
              />
              {props.actions}
            </SpaceBetween>
          }
        >
          {props.title}
        </Header>
      }
      filter={
        <TextFilter
          filteringText={filter}
          filteringAriaLabel={filterLabel}
          filteringPlaceholder={filterLabel}
          filteringClearAriaLabel={text.common.clearFilter}
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
            localStorage.setItem(storage, String(chosen));
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
            <Box variant="strong">{isFiltered ? text.common.noMatch : props.empty}</Box>
            {isFiltered ? (
              <Button onClick={() => setFilter('')}>{text.common.clearFilter}</Button>
            ) : props.emptyHelp ? (
              <Box color="text-body-secondary">{props.emptyHelp}</Box>
            ) : null}
          </SpaceBetween>
        </Box>
      }
    />
  );
}
