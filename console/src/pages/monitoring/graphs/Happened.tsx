import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Box from '@cloudscape-design/components/box';
import Table from '@cloudscape-design/components/table';
import { useMemo } from 'react';
import type { Marker } from '../../../model/markers';
import { duration } from '../../../model/time';
import { Time } from '../../../shared/Time';
import { text } from '../../../text';
import { MARKER_COLOURS } from './colours';

interface Props {
  markers: Marker[];
  /** Whether older ones may be missing. */
  isPartial: boolean;
}

/** What happened in the range, as a table. */
export function HappenedTable({ markers, isPartial }: Props) {
  const newestFirst = useMemo(() => [...markers].reverse(), [markers]);
  return (
    <ExpandableSection
      variant="container"
      headerText={text.monitoring.happened}
      headingTagOverride="h2"
      headerCounter={`(${markers.length})`}
      headerDescription={isPartial ? text.monitoring.happenedOnly : text.monitoring.happenedHelp}
    >
      <Table
        variant="embedded"
        wrapLines
        ariaLabels={{ tableLabel: text.monitoring.happened }}
        items={newestFirst}
        empty={<Box color="text-status-inactive">{text.monitoring.happenedNothing}</Box>}
        columnDefinitions={[
          { id: 'at', header: text.monitoring.time, cell: ({ at }) => <Time value={at} />, minWidth: 160 },
          {
            id: 'kind',
            header: text.monitoring.kind,
            cell: ({ kind }) => (
              <span className="mon-kind">
                <span className="mon-marker" style={{ color: MARKER_COLOURS[kind] }} />
                {text.monitoring.markers.titles[kind]}
              </span>
            ),
            minWidth: 120,
          },
          { id: 'what', header: text.monitoring.what, cell: ({ title }) => title, isRowHeader: true, minWidth: 180 },
          {
            id: 'detail',
            header: text.monitoring.why,
            cell: ({ detail }) => detail || text.common.none,
            minWidth: 220,
          },
          {
            id: 'lasted',
            header: text.monitoring.lasted,
            cell: ({ at, until }) => (until === undefined ? text.common.none : duration(until - at)),
            minWidth: 90,
          },
        ]}
      />
    </ExpandableSection>
  );
}
