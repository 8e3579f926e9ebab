import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type AlarmDraft, dimensionWords, editedDraft, thresholdUnit, watchedWords } from '../../../model/alarm';
import { spanWords } from '../../../model/range';
import { moment } from '../../../model/series';
import { amount } from '../../../model/units';
import { ConfirmByName } from '../../../shared/ConfirmByName';
import { Problem } from '../../../shared/Problem';
import { Ago } from '../../../shared/Time';
import { useFlash } from '../../../shell/flash';
import { text } from '../../../text';
import type { Broker } from '../graphs/data';
import { type Alarm, alarmsKey, deleteAlarm, enableActions, useAlarms } from './data';
import { AlarmHistory } from './AlarmHistory';

const words = text.monitoring.alarms;
const STATES: Record<Alarm['StateValue'], StatusIndicatorProps.Type> = {
  OK: 'success',
  ALARM: 'error',
  INSUFFICIENT_DATA: 'pending',
};

interface Props {
  broker: Broker;
  onCreate: () => void;
  onEdit: (draft: AlarmDraft) => void;
}

type Dialog = { kind: 'history' | 'delete'; name: string };

/** The alarms of a broker. */
export function Alarms({ broker, onCreate, onEdit }: Props) {
  const found = useAlarms(broker);
  const [dialog, setDialog] = useState<Dialog>();
  const [isOpen, setOpen] = useState<boolean>();
  const client = useQueryClient();
  const flash = useFlash();
  const alarms = found.data?.alarms ?? [];
  const inAlarm = alarms.filter(({ StateValue }) => StateValue === 'ALARM').length;
  const changed = () => client.invalidateQueries({ queryKey: alarmsKey(broker) });
  const enable = async (name: string, isEnabled: boolean) => {
    try {
      await enableActions(name, isEnabled);
      flash.done(isEnabled ? words.enabled(name) : words.disabled(name));
    } catch (error) {
      flash.failed(words.actionFailed, error);
    }
    await changed();
  };
  const act = (alarm: Alarm, id: string) => {
    const name = alarm.AlarmName;
    if (id === 'edit') onEdit(editedDraft(alarm));
    else if (id === 'history' || id === 'delete') setDialog({ kind: id, name });
    else void enable(name, id === 'enable');
  };
  return (
    <>
      <ExpandableSection
        variant="container"
        headerText={words.title}
        headingTagOverride="h2"
        headerCounter={found.data ? `(${words.summary(inAlarm, alarms.length)})` : undefined}
        headerActions={<Button onClick={onCreate}>{words.create}</Button>}
        // What is in alarm is shown without asking.
        expanded={isOpen ?? (inAlarm > 0 || found.isError)}
        onChange={({ detail }) => setOpen(detail.expanded)}
      >
        <SpaceBetween size="s">
          {found.error ? <Problem error={found.error} onRetry={() => void found.refetch()} /> : null}
          {found.data?.lookedThrough ? <Box>{words.truncated(found.data.lookedThrough)}</Box> : null}
          {found.error && !found.data ? null : (
            <AlarmTable broker={broker} alarms={alarms} isLoading={found.isPending} onAct={act} />
          )}
        </SpaceBetween>
      </ExpandableSection>
      {dialog?.kind === 'history' ? (
        <AlarmHistory broker={broker} name={dialog.name} onClose={() => setDialog(undefined)} />
      ) : null}
      {dialog?.kind === 'delete' ? (
        <ConfirmByName
          title={words.deleteTitle}
          lost={words.deleteLost(dialog.name)}
          name={dialog.name}
          action={words.delete}
          onConfirm={async () => {
            await deleteAlarm(dialog.name);
            flash.done(words.deleted(dialog.name));
            await changed();
          }}
          onClose={() => setDialog(undefined)}
        />
      ) : null}
    </>
  );
}

interface TableProps {
  broker: Broker;
  alarms: Alarm[];
  isLoading: boolean;
  onAct: (alarm: Alarm, action: string) => void;
}

function AlarmTable({ broker, alarms, isLoading, onAct }: TableProps) {
  return (
    <Table
      variant="embedded"
      wrapLines
      loading={isLoading}
      loadingText={text.common.loading}
      ariaLabels={{ tableLabel: words.title }}
      items={alarms}
      trackBy="AlarmName"
      columnDefinitions={[
        { id: 'name', header: words.name, cell: (alarm) => alarm.AlarmName, isRowHeader: true, minWidth: 140 },
        {
          id: 'state',
          header: words.state,
          minWidth: 130,
          cell: (alarm) => (
            <span title={alarm.StateReason}>
              <StatusIndicator type={STATES[alarm.StateValue]}>{words.states[alarm.StateValue]}</StatusIndicator>
            </span>
          ),
        },
        {
          id: 'since',
          header: words.since,
          minWidth: 110,
          cell: (alarm) => <Ago value={moment(alarm.StateTransitionedTimestamp)} />,
        },
        { id: 'condition', header: words.condition, minWidth: 210, cell: (alarm) => conditionWords(broker, alarm) },
        { id: 'of', header: words.of, minWidth: 90, cell: (alarm) => dimensionWords(alarm.Dimensions) },
        { id: 'notifies', header: words.notifications, minWidth: 100, cell: notifies },
        {
          id: 'actions',
          header: words.actions,
          minWidth: 95,
          cell: (alarm) => (
            <ButtonDropdown
              variant="inline-icon"
              expandToViewport
              ariaLabel={words.actionsOf(alarm.AlarmName)}
              items={[
                { id: 'history', text: words.history },
                { id: 'edit', text: words.edit },
                alarm.ActionsEnabled ? { id: 'disable', text: words.disable } : { id: 'enable', text: words.enable },
                { id: 'delete', text: words.delete },
              ]}
              onItemClick={({ detail }) => onAct(alarm, detail.id)}
            />
          ),
        },
      ]}
      empty={
        <Box textAlign="center" color="inherit">
          <Box variant="strong">{words.none}</Box>
          <Box variant="p" color="text-body-secondary">
            {words.noneHelp}
          </Box>
        </Box>
      }
    />
  );
}

/** When it is in alarm: "MessageCount greater than (>) 1,000 in 3 of 3 periods of 1 minute". */
function conditionWords(broker: Broker, alarm: Alarm): string {
  return words.sentence(
    watchedWords(alarm),
    words.comparisons[alarm.ComparisonOperator],
    amount(alarm.Threshold, thresholdUnit(broker.engineType, alarm)),
    alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
    alarm.EvaluationPeriods,
    spanWords((alarm.Period ?? 60) / 60),
  );
}

function notifies(alarm: Alarm): string {
  const topics = new Set([...alarm.AlarmActions, ...alarm.OKActions, ...alarm.InsufficientDataActions]);
  if (topics.size === 0) return words.notifiesNobody;
  return alarm.ActionsEnabled ? words.topics(topics.size) : words.notificationsOff;
}
