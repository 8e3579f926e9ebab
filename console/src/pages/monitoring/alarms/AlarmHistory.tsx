import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { moment } from '../../../model/series';
import { Problem } from '../../../shared/Problem';
import { Time } from '../../../shared/Time';
import { text } from '../../../text';
import type { Broker } from '../graphs/data';
import { type HistoryItem, useHistory } from './data';

const words = text.monitoring.alarms;

/** What an entry tells beside its summary: why the state is new, or why nobody was notified. */
function detail({ HistoryData }: HistoryItem): string {
  try {
    const data = JSON.parse(HistoryData) as { newState?: { stateReason?: string }; error?: string };
    return data.newState?.stateReason ?? data.error ?? '';
  } catch {
    return '';
  }
}

/** The history of an alarm in a dialog. */
export function AlarmHistory({ broker, name, onClose }: { broker: Broker; name: string; onClose: () => void }) {
  const history = useHistory(broker, name);
  const items = history.data?.pages.flatMap((page) => page.AlarmHistoryItems) ?? [];
  return (
    <Modal visible size="max" header={words.historyOf(name)} closeAriaLabel={text.common.close} onDismiss={onClose}>
      <SpaceBetween size="m">
        {history.error ? <Problem error={history.error} onRetry={() => void history.refetch()} /> : null}
        <Table
          variant="borderless"
          wrapLines
          loading={history.isPending}
          loadingText={text.common.loading}
          ariaLabels={{ tableLabel: words.historyOf(name) }}
          items={items}
          empty={<Box color="text-status-inactive">{words.noHistory}</Box>}
          columnDefinitions={[
            { id: 'at', header: words.at, cell: (item) => <Time value={moment(item.Timestamp)} />, minWidth: 160 },
            {
              id: 'kind',
              header: text.monitoring.kind,
              cell: (item) => words.historyKinds[item.HistoryItemType],
              minWidth: 120,
            },
            { id: 'what', header: words.entry, cell: (item) => item.HistorySummary, isRowHeader: true, minWidth: 200 },
            { id: 'why', header: words.reason, cell: (item) => detail(item) || text.common.none, minWidth: 260 },
          ]}
        />
        {history.hasNextPage ? (
          <Button loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
            {words.more}
          </Button>
        ) : null}
      </SpaceBetween>
    </Modal>
  );
}
