import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { lazy, Suspense } from 'react';
import { dayWords, money, percent } from '../../../model/months';
import { whole } from '../../../model/units';
import { Loading } from '../../../shared/Loading';
import { text } from '../../../text';
import type { Report } from './data';

const words = text.monitoring.report;
const DayChart = lazy(() => import('./DayChart'));

/** The days of a month: when the broker was not available, and a table of all figures. */
export function Days({ report }: { report: Report }) {
  const { periods, currency } = report;
  const isGood = periods.every(
    ({ availability }) => availability.unavailableMinutes === 0 && availability.unknownMinutes === 0,
  );
  return (
    <Container header={<Header variant="h2">{words.chart}</Header>}>
      {isGood ? (
        <Box color="text-status-inactive">{words.allGood}</Box>
      ) : (
        <Suspense fallback={<Loading />}>
          <DayChart periods={periods} />
        </Suspense>
      )}
      <ExpandableSection headerText={words.days} headingTagOverride="h3">
        <Table
          variant="embedded"
          contentDensity="compact"
          items={periods}
          trackBy="from"
          ariaLabels={{ tableLabel: words.days }}
          columnDefinitions={[
            { id: 'day', header: words.day, cell: ({ from }) => dayWords(from), isRowHeader: true },
            {
              id: 'availability',
              header: words.availability,
              cell: ({ availability }) => percent(availability.percentage),
            },
            {
              id: 'unavailable',
              header: words.unavailable,
              cell: ({ availability }) => words.minutes(availability.unavailableMinutes),
            },
            {
              id: 'unknown',
              header: words.unknown,
              cell: ({ availability }) => words.minutes(availability.unknownMinutes),
            },
            { id: 'failovers', header: words.failovers, cell: ({ failovers }) => whole(failovers) },
            { id: 'restarts', header: words.restarts, cell: ({ restarts }) => whole(restarts) },
            { id: 'cost', header: words.cost, cell: ({ cost }) => money(currency, cost) },
          ]}
        />
      </ExpandableSection>
    </Container>
  );
}
