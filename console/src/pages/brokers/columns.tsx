// The columns of the list.
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { TableProps } from '@cloudscape-design/components/table';
import type { BrokerRow } from '../../model/brokers';
import { BrokerStatus } from '../../shared/BrokerStatus';
import { CopyText } from '../../shared/CopyText';
import { RouterLink } from '../../shared/RouterLink';
import { Ago, Time } from '../../shared/Time';
import { text } from '../../text';

const numbers = new Intl.NumberFormat('en');
const number = (value: number | undefined) => (value === undefined ? text.common.none : numbers.format(value));

type BrokerColumn = TableProps.ColumnDefinition<BrokerRow> & { id: string; header: string };

export const columns: BrokerColumn[] = [
  {
    id: 'name',
    header: text.brokers.name,
    cell: (row) => <RouterLink href={`/brokers/${row.brokerId}`}>{row.brokerName}</RouterLink>,
    sortingField: 'name',
    isRowHeader: true,
    width: 165,
    minWidth: 120,
  },
  {
    id: 'state',
    header: text.brokers.state,
    cell: (row) => <BrokerStatus state={row.brokerState} />,
    sortingField: 'state',
    width: 200,
    minWidth: 120,
  },
  { id: 'engine', header: text.brokers.engine, cell: (row) => text.brokers.engineName(row.engineType), width: 110 },
  {
    id: 'version',
    header: text.brokers.engineVersion,
    cell: (row) => row.engineVersion ?? text.common.none,
    width: 100,
  },
  {
    id: 'patch',
    header: text.brokers.patch,
    cell: (row) => row.runningEngineVersion ?? text.common.none,
    width: 125,
  },
  { id: 'mode', header: text.brokers.mode, cell: (row) => text.brokers.modeName(row.deploymentMode), width: 170 },
  { id: 'type', header: text.brokers.type, cell: (row) => row.hostInstanceType, width: 140 },
  { id: 'messages', header: text.brokers.messages, cell: (row) => number(row.messages), width: 110 },
  { id: 'connections', header: text.brokers.connections, cell: (row) => number(row.connections), width: 130 },
  {
    id: 'age',
    header: text.brokers.age,
    cell: (row) => <Ago value={row.created} />,
    sortingField: 'created',
    width: 140,
  },
  { id: 'created', header: text.brokers.created, cell: (row) => <Time value={row.created} />, width: 240 },
  {
    id: 'storage',
    header: text.brokers.storage,
    cell: (row) => row.storageType?.toUpperCase() ?? text.common.none,
    width: 110,
  },
  {
    id: 'id',
    header: text.brokers.id,
    cell: (row) => <CopyText value={row.brokerId} label={text.brokers.id} />,
    width: 340,
  },
  {
    id: 'arn',
    header: text.brokers.arn,
    cell: (row) => <CopyText value={row.brokerArn} label={text.brokers.arn} />,
    width: 420,
  },
  { id: 'tags', header: text.brokers.tags, cell: (row) => <Tags tags={row.tags} />, width: 260 },
];

function Tags({ tags = {} }: { tags?: Record<string, string> | undefined }) {
  const all = Object.entries(tags);
  if (!all.length) return <>{text.common.none}</>;
  return (
    <SpaceBetween size="xxs">
      {all.map(([key, value]) => (
        <div key={key}>{`${key} = ${value}`}</div>
      ))}
    </SpaceBetween>
  );
}
