// The list of brokers: filtered, sorted and cut into pages by the server, kept up to date by its events.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { ApiError } from '../../api/errors';
import {
  type BrokerRow,
  type BulkAction,
  type Listed,
  listedOf,
  permits,
  queryOf,
  searchOf,
} from '../../model/brokers';
import { Problem } from '../../shared/Problem';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { BulkDialog } from './BulkDialog';
import { columns } from './columns';
import { Filter } from './Filter';
import { Preferences, usePreferences } from './Preferences';
import { read } from './read';

/** Messages and connections change without an event, in milliseconds. */
const SAMPLED_MS = 30_000;

export default function Page() {
  const [search, setSearch] = useSearchParams();
  const listed = useMemo(() => listedOf(search), [search]);
  const [preferences, setPreferences] = usePreferences();
  const pages = usePages(listed, preferences.pageSize);
  const { query, number } = pages;
  const [chosen, setChosen] = useState<BrokerRow[]>([]);
  const [action, setAction] = useState<BulkAction>();
  const [, navigate] = useLocation();

  const rows = query.data?.brokers ?? [];
  const total = query.data?.total ?? 0;
  // What was chosen on another page stays as it was; what is here is as it is now.
  const selected = useMemo(() => {
    const newest = new Map(rows.map((row) => [row.brokerId, row]));
    return chosen.map((row) => newest.get(row.brokerId) ?? row);
  }, [chosen, rows]);
  const ask = (next: Listed) => setSearch(searchOf(next), { replace: true });
  const isFiltered = Object.keys(listed).length > 2;
  const widths = preferences.widths;
  const definitions = useMemo(
    () => columns.map((column) => ({ ...column, width: widths[column.id] ?? column.width })),
    [widths],
  );

  const header = (
    <Header
      variant="awsui-h1-sticky"
      description={text.brokers.intro}
      counter={query.data ? text.brokers.counter(total, selected.length) : ''}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            iconName="refresh"
            ariaLabel={text.common.refresh}
            loading={query.isFetching && !query.isPending && pages.isAsked}
            loadingText={text.brokers.updated}
            onClick={pages.refresh}
          />
          <Button
            disabled={selected.length !== 1}
            disabledReason={text.brokers.selectOne}
            onClick={() => navigate(`/brokers/${selected[0]?.brokerId}`)}
          >
            {text.brokers.view}
          </Button>
          <Actions selected={selected} onAction={setAction} />
          <Button variant="primary" href="/console/brokers/create">
            {text.brokers.create}
          </Button>
        </SpaceBetween>
      }
    >
      {text.brokers.title}
    </Header>
  );
  if (query.isError && !query.data) {
    return (
      <SpaceBetween size="l">
        {header}
        <Problem error={query.error} onRetry={pages.refresh} />
      </SpaceBetween>
    );
  }
  return (
    <SpaceBetween size="l">
      {query.isError ? <Alert type="warning">{`${text.brokers.failedToList} ${query.error.message}`}</Alert> : null}
      {query.data?.why ? (
        <Alert type="info" header={text.brokers.onlyListed}>
          {query.data.why}
        </Alert>
      ) : null}
      <Table
        variant="full-page"
        stickyHeader
        resizableColumns
        trackBy="brokerId"
        items={rows}
        loading={query.isPending}
        loadingText={text.common.loading}
        columnDefinitions={definitions}
        columnDisplay={preferences.contentDisplay}
        onColumnWidthsChange={({ detail }) => {
          const shown = preferences.contentDisplay.filter(({ visible }) => visible);
          const changed = Object.fromEntries(shown.map(({ id }, at) => [id, detail.widths[at] ?? 0]));
          setPreferences({ ...preferences, widths: { ...widths, ...changed } });
        }}
        wrapLines={preferences.wrapLines}
        stripedRows={preferences.stripedRows}
        contentDensity={preferences.contentDensity}
        selectionType="multi"
        selectedItems={selected}
        onSelectionChange={({ detail }) => setChosen(detail.selectedItems)}
        sortingColumn={{ sortingField: listed.sort }}
        sortingDescending={listed.order === 'desc'}
        onSortingChange={({ detail }) => {
          const sort = detail.sortingColumn.sortingField as Listed['sort'];
          ask({ ...listed, sort, order: detail.isDescending ? 'desc' : 'asc' });
        }}
        ariaLabels={{
          tableLabel: text.brokers.title,
          selectionGroupLabel: text.brokers.selection,
          allItemsSelectionLabel: () => text.brokers.selectAll,
          itemSelectionLabel: (_, row) => text.brokers.select(row.brokerName),
        }}
        header={header}
        filter={<Filter listed={listed} matches={isFiltered && query.data ? total : undefined} onChange={ask} />}
        pagination={
          <Pagination
            currentPageIndex={number + 1}
            pagesCount={pages.known}
            openEnd={pages.hasMore}
            disabled={query.isPlaceholderData}
            onChange={({ detail }) => pages.turn(detail.currentPageIndex - 1)}
          />
        }
        preferences={<Preferences value={preferences} onChange={setPreferences} />}
        empty={<Nothing isFiltered={isFiltered} onClear={() => ask({ sort: listed.sort, order: listed.order })} />}
      />
      {action ? (
        <BulkDialog
          action={action}
          brokers={selected}
          onClose={(done) => {
            setAction(undefined);
            // What is deleted can't be chosen any more.
            if (action === 'delete') setChosen(selected.filter(({ brokerId }) => !done.includes(brokerId)));
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}

/** The pages of the list. Only the next one and those before can be turned to: the server gives their tokens. */
function usePages(listed: Listed, pageSize: number) {
  const asked = JSON.stringify(queryOf(listed, pageSize));
  const [position, setPosition] = useState<{ asked: string; number: number; tokens: (string | undefined)[] }>({
    asked,
    number: 0,
    tokens: [undefined],
  });
  const [isAsked, setAsked] = useState(false);
  // Another question begins at its first page.
  const { number, tokens } = position.asked === asked ? position : { number: 0, tokens: [undefined] };
  const token = tokens[number];
  const query = useQuery({
    queryKey: [keys.brokers, asked, token ?? ''],
    queryFn: ({ signal }) => read(listed, pageSize, token, signal),
    placeholderData: keepPreviousData,
    refetchInterval: SAMPLED_MS,
  });
  const isFirst = token === undefined;
  const { error, data } = query;
  useEffect(() => {
    // The token is not one of this list any more, or all brokers of the page are gone.
    const isTokenWrong = error instanceof ApiError && error.status === 400;
    const isGone = data !== undefined && data.brokers.length === 0 && !query.isPlaceholderData;
    if (!isFirst && (isTokenWrong || isGone)) setPosition({ asked, number: 0, tokens: [undefined] });
  }, [asked, data, error, isFirst, query.isPlaceholderData]);
  const next = query.isPlaceholderData ? undefined : data?.nextToken;
  return {
    query,
    number,
    known: Math.max(tokens.length, next ? number + 2 : number + 1),
    hasMore: next !== undefined && tokens.length <= number + 1,
    isAsked,
    refresh: () => {
      setAsked(true);
      void query.refetch().finally(() => setAsked(false));
    },
    turn: (to: number) => {
      const known = tokens.slice(0, to + 1);
      if (to === number + 1) known[to] = next;
      const all = to >= tokens.length ? known : [...known, ...tokens.slice(to + 1)];
      setPosition({ asked, number: Math.min(to, all.length - 1), tokens: all });
    },
  };
}

function Actions({ selected, onAction }: { selected: BrokerRow[]; onAction: (action: BulkAction) => void }) {
  const item = (id: BulkAction, none: string) => {
    const reason =
      selected.length === 0
        ? text.brokers.selectFirst
        : selected.some(({ brokerState }) => permits(id, brokerState))
          ? undefined
          : none;
    return { id, text: text.brokers[id], ...(reason ? { disabled: true, disabledReason: reason } : {}) };
  };
  return (
    <ButtonDropdown
      items={[item('reboot', text.brokers.noneReboots), item('delete', text.brokers.noneDeletes)]}
      onItemClick={({ detail }) => onAction(detail.id as BulkAction)}
    >
      {text.brokers.actions}
    </ButtonDropdown>
  );
}

function Nothing({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  return (
    <Box textAlign="center" color="inherit" margin={{ vertical: 'l' }}>
      <SpaceBetween size="m">
        <div>
          <Box variant="strong" color="inherit">
            {isFiltered ? text.common.noMatch : text.brokers.empty}
          </Box>
          <Box variant="p" color="inherit">
            {isFiltered ? text.brokers.noMatchHelp : text.brokers.emptyHelp}
          </Box>
        </div>
        {isFiltered ? (
          <Button onClick={onClear}>{text.common.clearFilter}</Button>
        ) : (
          <Button href="/console/brokers/create">{text.brokers.create}</Button>
        )}
      </SpaceBetween>
    </Box>
  );
}
