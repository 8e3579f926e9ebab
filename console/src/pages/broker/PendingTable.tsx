import Table from '@cloudscape-design/components/table';
import { type PendingChange, pendingChanges } from '../../model/pendingChanges';
import type { Schemas } from '../../api/client';
import { text } from '../../text';

const { pending } = text.broker;

/** What waits for a reboot: what is now beside what is afterwards. */
export function PendingTable({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  return (
    <Table
      variant="borderless"
      wrapLines
      items={pendingChanges(broker)}
      trackBy={(change) => `${change.field} ${change.name ?? ''}`}
      columnDefinitions={[
        { id: 'field', header: pending.what, cell: nameOf, isRowHeader: true },
        { id: 'now', header: pending.now, cell: (change) => valueOf(change, 'now') },
        { id: 'after', header: pending.after, cell: (change) => <b>{valueOf(change, 'then')}</b> },
      ]}
    />
  );
}

function nameOf({ field, name }: PendingChange): string {
  return name === undefined ? pending.fields[field] : `${pending.fields[field]}: ${name}`;
}

function valueOf(change: PendingChange, side: 'now' | 'then'): string {
  const value = change[side];
  if (change.field === 'user') {
    return side === 'now' ? pending.userNow(Boolean(value)) : (pending.userAfter[String(value)] ?? String(value));
  }
  if (typeof value === 'boolean') return value ? pending.on : pending.off;
  if (change.field === 'storageSize' && !value) return pending.default;
  return value === undefined || value === '' ? text.common.none : String(value);
}
