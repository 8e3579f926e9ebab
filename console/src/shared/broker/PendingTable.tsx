import Table from '@cloudscape-design/components/table';
import { pendingChanges } from '../../model/pendingChanges';
import type { Schemas } from '../../api/client';
import { text } from '../../text';
import { pendingName, pendingText } from './values';

const t = text.settings;

interface Props {
  /** What tells it from other tables of the page. */
  label: string;
  broker: Schemas['DescribeBrokerResponse'];
  /** The names of configurations by their identifiers, where they are known. */
  names?: Map<string, string> | undefined;
}

/** What waits for a reboot: what is now beside what is afterwards. */
export function PendingTable({ label, broker, names }: Props) {
  return (
    <Table
      variant="borderless"
      wrapLines
      ariaLabels={{ tableLabel: label }}
      items={pendingChanges(broker)}
      trackBy={(change) => `${change.field} ${change.name ?? ''}`}
      columnDefinitions={[
        { id: 'field', header: t.pendingField, cell: pendingName, isRowHeader: true, minWidth: 95 },
        { id: 'now', header: t.now, cell: (change) => pendingText(change, 'now', names), minWidth: 95 },
        {
          id: 'then',
          header: t.afterReboot,
          cell: (change) => <b>{pendingText(change, 'then', names)}</b>,
          minWidth: 110,
        },
      ]}
    />
  );
}
