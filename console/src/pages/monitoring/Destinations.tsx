import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { rate, whole } from '../../model/units';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Destination, destinationsKey, type Filter, purge, remove, useDestinations } from './destinations/data';
import { Filters } from './destinations/Filters';
import { MessagesDrawer } from './destinations/MessagesDrawer';
import { PublishForm } from './destinations/PublishForm';
import type { Broker } from './graphs/data';
import './monitoring.css';

const words = text.monitoring.destinations;

type Dialog = { kind: 'browse' | 'publish' | 'purge' | 'delete'; of: Destination };

const EVERYTHING: Filter = { kind: undefined, nameContains: '', virtualHost: '', includeInternal: false };

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** What tells one destination from another. */
const keyOf = ({ kind, virtualHost, name }: Destination) => JSON.stringify([kind, virtualHost, name]);

/** The queues and topics of a broker, and what waits in them. */
export default function Destinations({ broker }: { broker: Broker }) {
  const engine = broker.engineType.toUpperCase() === 'RABBITMQ' ? 'RabbitMQ' : 'ActiveMQ';
  const [filter, setFilter] = useState(EVERYTHING);
  // The tokens of the pages that were seen; the first page has none.
  const [tokens, setTokens] = useState<(string | undefined)[]>([undefined]);
  const [page, setPage] = useState(1);
  const [selected, setSelected] = useState<string>();
  const [dialog, setDialog] = useState<Dialog>();
  const found = useDestinations(broker, filter, tokens[page - 1]);
  const items = found.data?.destinations ?? [];
  const next = found.isPlaceholderData ? undefined : found.data?.nextToken;
  const chosen = items.find((one) => keyOf(one) === selected);
  // Streams and topics keep what they have.
  const canPurge = chosen?.kind === 'QUEUE' && chosen.queueType !== 'stream';
  const open = (kind: Dialog['kind'], of = chosen) => (of ? setDialog({ kind, of }) : undefined);
  const change = (changed: Filter) => {
    setFilter(changed);
    setTokens([undefined]);
    setPage(1);
  };
  const turn = (to: number) => {
    if (to > tokens.length && next !== undefined) setTokens([...tokens, next]);
    if (to <= tokens.length || next !== undefined) setPage(to);
  };
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(EVERYTHING);
  return (
    <SpaceBetween size="m">
      {found.error ? <Problem error={found.error} onRetry={() => void found.refetch()} /> : null}
      <Table
        variant="container"
        stickyHeader
        loading={found.isPending}
        loadingText={text.common.loading}
        items={items}
        trackBy={keyOf}
        selectionType="single"
        selectedItems={chosen ? [chosen] : []}
        onSelectionChange={({ detail }) => setSelected(detail.selectedItems[0] && keyOf(detail.selectedItems[0]))}
        ariaLabels={{
          tableLabel: words.title[engine],
          selectionGroupLabel: words.select,
          itemSelectionLabel: (_, item) => words.selectOne(item.name),
        }}
        header={
          <Header
            variant="h2"
            description={
              <>
                {words.help} {found.data ? words.sampled(clock.format(new Date(found.data.sampledAt))) : null}
              </>
            }
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel={words.refresh} onClick={() => void found.refetch()} />
                <Button disabled={!chosen} onClick={() => open('browse')}>
                  {words.browse}
                </Button>
                <Button disabled={!chosen} onClick={() => open('publish')}>
                  {words.publish}
                </Button>
                <ButtonDropdown
                  disabled={!chosen}
                  items={[
                    { id: 'purge', text: words.purge, disabled: !canPurge, disabledReason: words.cantPurge },
                    { id: 'delete', text: words.delete },
                  ]}
                  onItemClick={({ detail }) => open(detail.id as Dialog['kind'])}
                >
                  {words.more}
                </ButtonDropdown>
              </SpaceBetween>
            }
          >
            {words.title[engine]}
          </Header>
        }
        filter={<Filters engine={engine} filter={filter} onChange={change} />}
        pagination={
          <Pagination
            currentPageIndex={page}
            pagesCount={next === undefined ? Math.max(tokens.length, page) : Math.max(tokens.length, page + 1)}
            openEnd={next !== undefined}
            disabled={found.isPlaceholderData}
            onChange={({ detail }) => turn(detail.currentPageIndex)}
            ariaLabels={{
              paginationLabel: words.paging,
              nextPageLabel: text.monitoring.nextPage,
              previousPageLabel: text.monitoring.previousPage,
              pageLabel: text.monitoring.page,
            }}
          />
        }
        columnDefinitions={columns(engine, (of) => open('browse', of))}
        empty={
          found.error ? null : (
            <Box textAlign="center" color="inherit">
              <Box variant="strong">{isFiltered ? text.common.noMatch : words.none[engine]}</Box>
              <Box variant="p" color="text-body-secondary">
                {isFiltered ? words.noMatch : words.noneHelp}
              </Box>
              {isFiltered ? <Button onClick={() => change(EVERYTHING)}>{text.common.clearFilter}</Button> : null}
            </Box>
          )
        }
      />
      {dialog ? <Dialogs broker={broker} dialog={dialog} onClose={() => setDialog(undefined)} onOpen={open} /> : null}
    </SpaceBetween>
  );
}

function columns(
  engine: 'RabbitMQ' | 'ActiveMQ',
  browse: (of: Destination) => void,
): TableProps.ColumnDefinition<Destination>[] {
  const number = (id: 'ready' | 'unacknowledged' | 'consumers' | 'producers') => ({
    id,
    header: words[id],
    cell: (one: Destination) => whole(one[id]),
    minWidth: 80,
  });
  const perSecond = (id: 'publishRate' | 'deliverRate' | 'acknowledgeRate') => ({
    id,
    header: words[id],
    cell: (one: Destination) => rate(one[id]),
    minWidth: 90,
  });
  const name: TableProps.ColumnDefinition<Destination> = {
    id: 'name',
    header: words.name,
    isRowHeader: true,
    minWidth: 180,
    cell: (one) => (
      <Link onFollow={() => browse(one)} ariaLabel={`${words.browse}: ${one.name}`}>
        {one.name}
      </Link>
    ),
  };
  const kind = {
    id: 'kind',
    header: words.kind,
    minWidth: 110,
    cell: (one: Destination) => words.queueTypes[one.queueType ?? ''] ?? words.kinds[one.kind],
  };
  if (engine === 'ActiveMQ') {
    return [name, kind, number('ready'), number('unacknowledged'), number('consumers'), number('producers')];
  }
  return [
    name,
    kind,
    number('ready'),
    number('unacknowledged'),
    number('consumers'),
    perSecond('publishRate'),
    perSecond('deliverRate'),
    perSecond('acknowledgeRate'),
    { id: 'virtualHost', header: words.virtualHost, cell: (one) => one.virtualHost ?? text.common.none, minWidth: 110 },
    { id: 'node', header: words.node, cell: (one) => one.node ?? text.common.none, minWidth: 140 },
  ];
}

interface DialogsProps {
  broker: Broker;
  dialog: Dialog;
  onClose: () => void;
  onOpen: (kind: Dialog['kind'], of: Destination) => void;
}

function Dialogs({ broker, dialog: { kind, of }, onClose, onOpen }: DialogsProps) {
  const client = useQueryClient();
  const flash = useFlash();
  const changed = () => client.invalidateQueries({ queryKey: destinationsKey(broker) });
  switch (kind) {
    case 'browse':
      return <MessagesDrawer broker={broker} of={of} onClose={onClose} onPublish={() => onOpen('publish', of)} />;
    case 'publish':
      return <PublishForm broker={broker} of={of} onClose={onClose} />;
    case 'purge':
      return (
        <ConfirmByName
          title={words.purgeTitle(of.name)}
          lost={words.purgeLost(broker.engineType, of.name, of.ready, of.unacknowledged)}
          name={of.name}
          action={words.purge}
          onClose={onClose}
          onConfirm={async () => {
            const { purged } = await purge(broker, of);
            flash.done(words.purged(of.name, purged));
            await changed();
          }}
        />
      );
    case 'delete':
      return (
        <ConfirmByName
          title={words.deleteTitle(of.name)}
          lost={words.deleteLost(of.name, allMessages(of), of.consumers)}
          name={of.name}
          action={words.delete}
          onClose={onClose}
          onConfirm={async () => {
            await remove(broker, of);
            flash.done(words.deleted(of.name));
            await changed();
          }}
        />
      );
  }
}

/** How many messages are lost with a destination, as far as it is known. */
const allMessages = ({ ready, unacknowledged }: Destination) =>
  ready === undefined ? undefined : ready + (unacknowledged ?? 0);
