import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import { useMemo, useState } from 'react';
import { type Row, rows } from '../../../model/series';
import { amount } from '../../../model/units';
import { text } from '../../../text';
import type { GraphData } from './Graph';

const PER_PAGE = 10;
const moments = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** The values of a graph, with what happened, the newest first. */
export function ValueTable({ title, unit, period, measurements, lines }: GraphData) {
  const [page, setPage] = useState(1);
  const series = measurements.filter(({ points }) => points.length > 0);
  const all = useMemo(() => rows(series, period), [series, period]);
  const pages = Math.max(1, Math.ceil(all.length / PER_PAGE));
  const shown = Math.min(page, pages);
  const happened = (row: Row) =>
    lines
      .filter(({ at }) => at >= row.at && at < row.at + period * 1000)
      .map((line) => line.title)
      .join('; ');
  const happenedColumn = {
    id: 'happened',
    header: text.monitoring.happened,
    cell: (row: Row) => happened(row) || text.common.none,
  };
  return (
    <Table
      variant="embedded"
      contentDensity="compact"
      ariaLabels={{ tableLabel: text.monitoring.tableOf(title) }}
      items={all.slice((shown - 1) * PER_PAGE, shown * PER_PAGE)}
      trackBy={(row) => String(row.at)}
      columnDefinitions={[
        { id: 'time', header: text.monitoring.time, cell: (row) => moments.format(row.at), isRowHeader: true },
        ...series.map(({ label }, index) => ({
          id: label,
          header: label,
          cell: (row: Row) => {
            const value = row.values[index];
            return value === undefined ? text.monitoring.notMeasured : amount(value, unit);
          },
        })),
        ...(lines.length ? [happenedColumn] : []),
      ]}
      empty={text.monitoring.noData}
      pagination={
        pages > 1 ? (
          <Pagination
            currentPageIndex={shown}
            pagesCount={pages}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
            ariaLabels={{
              paginationLabel: `${title}: ${text.monitoring.pages}`,
              nextPageLabel: text.monitoring.nextPage,
              previousPageLabel: text.monitoring.previousPage,
              pageLabel: text.monitoring.page,
            }}
          />
        ) : undefined
      }
    />
  );
}
