import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { money } from '../../../model/months';
import { duration } from '../../../model/time';
import { Time } from '../../../shared/Time';
import { text } from '../../../text';
import type { Report } from './data';

const words = text.monitoring.report;

interface Lasted {
  from: string;
  to?: string;
  seconds: number;
  cause: string;
  detail: string;
}

interface Props<T> {
  title: string;
  items: readonly T[];
  empty: string;
  columns: TableProps.ColumnDefinition<T>[];
}

function ReportTable<T>({ title, items, empty, columns }: Props<T>) {
  return (
    <Table
      wrapLines
      items={items}
      header={
        <Header variant="h2" counter={`(${items.length})`}>
          {title}
        </Header>
      }
      ariaLabels={{ tableLabel: title }}
      empty={<Box color="text-status-inactive">{empty}</Box>}
      columnDefinitions={columns}
    />
  );
}

/** Columns of everything that lasted for a while, for a reason. */
function columnsOf<T extends Lasted>(...own: TableProps.ColumnDefinition<T>[]): TableProps.ColumnDefinition<T>[] {
  return [
    { id: 'when', header: words.when, cell: ({ from }) => <Time value={from} />, isRowHeader: true, minWidth: 170 },
    {
      id: 'length',
      header: words.length,
      cell: ({ seconds, to }) => (to === undefined ? words.lasts : String)(duration(seconds * 1000)),
      minWidth: 110,
    },
    ...own,
    { id: 'cause', header: words.cause, cell: ({ cause }) => words.causes[cause] ?? cause, minWidth: 140 },
    { id: 'detail', header: words.detail, cell: ({ detail }) => detail, minWidth: 220 },
  ];
}

export function Failovers({ report, isPair }: { report: Report; isPair: boolean }) {
  return (
    <ReportTable
      title={words.failovers}
      items={report.failovers}
      empty={isPair ? words.noFailovers : words.noFailoversSingle}
      columns={columnsOf<Report['failovers'][number]>({
        id: 'instances',
        header: words.instances,
        cell: ({ formerInstance, successorInstance }) => words.fromTo(formerInstance, successorInstance),
        minWidth: 100,
      })}
    />
  );
}

export function Outages({ report }: { report: Report }) {
  return (
    <ReportTable
      title={words.outages}
      items={report.outages}
      empty={words.noOutages}
      columns={columnsOf<Report['outages'][number]>({
        id: 'state',
        header: words.state,
        cell: ({ state }) => words.states[state] ?? state,
        minWidth: 120,
      })}
    />
  );
}

export function Restarts({ report }: { report: Report }) {
  return (
    <ReportTable
      title={words.restarts}
      items={report.restarts}
      empty={words.noRestarts}
      columns={columnsOf<Report['restarts'][number]>(
        { id: 'instance', header: words.instance, cell: ({ instance }) => instance, minWidth: 90 },
        { id: 'starts', header: words.starts, cell: ({ starts }) => starts, minWidth: 80 },
      )}
    />
  );
}

type CostLine = Report['lines'][number];

export function CostLines({ report }: { report: Report }) {
  const { currency } = report;
  const unit = (line: CostLine) => words.units[line.unit] ?? line.unit;
  return (
    <ReportTable
      title={words.costLines}
      items={report.lines}
      empty={words.noCost}
      columns={[
        {
          id: 'item',
          header: words.item,
          cell: ({ item }) => words.items[item] ?? item,
          isRowHeader: true,
          minWidth: 130,
        },
        { id: 'type', header: words.type, cell: ({ kind }) => kind, minWidth: 120 },
        { id: 'count', header: words.count, cell: ({ count }) => count, minWidth: 80 },
        {
          id: 'quantity',
          header: words.quantity,
          cell: (line) => (line.quantity === undefined ? words.notMeasured : `${line.quantity} ${unit(line)}`),
          minWidth: 130,
        },
        {
          id: 'price',
          header: words.price,
          cell: (line) =>
            line.price
              ? words.priceOf(money(currency, line.price.amount), line.unit, line.price.region)
              : words.noPrice,
          minWidth: 180,
        },
        { id: 'cost', header: words.cost, cell: ({ cost }) => money(currency, cost), minWidth: 110 },
      ]}
    />
  );
}
