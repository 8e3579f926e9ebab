import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  ALARM_PERIODS,
  type AlarmDraft,
  COMPARISONS,
  type DraftFault,
  dimensionWords,
  draftFaults,
  draftOf,
  levelOf,
  MISSING_DATA,
  thresholdUnit,
} from '../../../model/alarm';
import { measured, panelsOf } from '../../../model/metrics';
import { spanWords } from '../../../model/range';
import { Problem } from '../../../shared/Problem';
import { useFlash } from '../../../shell/flash';
import { text } from '../../../text';
import { type Broker, STATISTICS } from '../graphs/data';
import { alarmsKey, putAlarm, useAlarms } from './data';

const words = text.monitoring.alarms;
const FORM = 'alarm-form';

interface Props {
  broker: Broker;
  draft: AlarmDraft;
  onClose: () => void;
}

const WORDS: Record<DraftFault, string> = {
  name: words.nameWrong,
  metric: words.metricWrong,
  threshold: words.thresholdWrong,
  periods: words.countWrong,
  points: words.countWrong,
  pointsOfPeriods: words.datapointsWrong,
  alarmTopics: words.topicWrong,
  okTopics: words.topicWrong,
};

/** Makes or edits an alarm. */
export function AlarmForm({ broker, draft: begun, onClose }: Props) {
  const [draft, setDraft] = useState(begun);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const client = useQueryClient();
  const flash = useFlash();
  const alarms = useAlarms(broker);
  const faults = isTried ? draftFaults(draft) : [];
  const fault = (...kinds: DraftFault[]) => {
    const found = faults.find((one) => kinds.includes(one));
    return found && WORDS[found];
  };
  const isTaken = !draft.edited && (alarms.data?.alarms ?? []).some(({ AlarmName }) => AlarmName === draft.name);
  const change = (changed: Partial<AlarmDraft>) => setDraft((now) => ({ ...now, ...changed }));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isBusy || draftFaults(draft).length) return;
    setBusy(true);
    setError(undefined);
    try {
      await putAlarm(draft);
      await client.invalidateQueries({ queryKey: alarmsKey(broker) });
      flash.done(words.saved(draft.name));
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      size="large"
      header={draft.edited ? words.editTitle(draft.name) : words.createTitle}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form={FORM} formAction="submit" loading={isBusy}>
              {draft.edited ? words.save : words.create}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id={FORM} onSubmit={submit} noValidate>
        <SpaceBetween size="l">
          {error === undefined ? null : <Problem error={error} />}
          {draft.edited?.Metrics ? (
            <Alert type="info" header={words.expression}>
              {expression(draft)}
            </Alert>
          ) : (
            <Watched broker={broker} draft={draft} change={change} errorText={fault('metric')} />
          )}
          <ConditionFields broker={broker} draft={draft} change={change} fault={fault} />
          <FormField
            label={words.name}
            description={words.nameHelp}
            errorText={fault('name')}
            warningText={isTaken ? words.already(draft.name) : undefined}
          >
            <Input
              value={draft.name}
              disabled={draft.edited !== undefined}
              onChange={({ detail }) => change({ name: detail.value })}
            />
          </FormField>
          <FormField label={words.description}>
            <Input value={draft.description} onChange={({ detail }) => change({ description: detail.value })} />
          </FormField>
          <ColumnLayout columns={2}>
            <FormField label={words.alarmTopics} description={words.alarmTopicsHelp} errorText={fault('alarmTopics')}>
              <Textarea
                rows={3}
                value={draft.alarmTopics}
                onChange={({ detail }) => change({ alarmTopics: detail.value })}
              />
            </FormField>
            <FormField label={words.okTopics} description={words.okTopicsHelp} errorText={fault('okTopics')}>
              <Textarea rows={3} value={draft.okTopics} onChange={({ detail }) => change({ okTopics: detail.value })} />
            </FormField>
          </ColumnLayout>
        </SpaceBetween>
      </form>
    </Modal>
  );
}

const expression = ({ edited }: AlarmDraft) =>
  (edited?.Metrics ?? [])
    .map(({ Expression }) => Expression)
    .filter(Boolean)
    .join('; ');

interface FieldProps {
  broker: Broker;
  draft: AlarmDraft;
  change: (changed: Partial<AlarmDraft>) => void;
}

/** The metric that is watched. */
function Watched({ broker, draft, change, errorText }: FieldProps & { errorText: string | undefined }) {
  const level = levelOf(draft.dimensions);
  const metrics = panelsOf(broker.engineType, level).map(({ id, metrics }) => ({
    label: text.monitoring.panels[id],
    options: metrics.map((value) => ({ value, label: value })),
  }));
  const key = JSON.stringify;
  const things = measured(broker, { level: 'broker' }).map(({ dimensions }) => dimensions);
  const isOther = !things.some((one) => key(one) === key(draft.dimensions));
  const of = [...things, ...(isOther ? [draft.dimensions] : [])].map((dimensions) => ({
    value: key(dimensions),
    label: dimensionWords(dimensions),
  }));
  const choose = (metric: string | undefined, dimensions = draft.dimensions) => {
    // The name that was offered follows the metric, one that was entered stays.
    const isOffered = draft.name === draftOf(draft.metric, draft.dimensions, draft.statistic).name;
    const name = isOffered && !draft.edited ? draftOf(metric, dimensions, draft.statistic).name : draft.name;
    change({ metric, dimensions, name });
  };
  return (
    <ColumnLayout columns={2}>
      <FormField label={words.watched} errorText={errorText}>
        <Select
          placeholder={words.chooseMetric}
          selectedOption={draft.metric === undefined ? null : { value: draft.metric, label: draft.metric }}
          options={metrics}
          filteringType="auto"
          filteringAriaLabel={text.monitoring.findName}
          onChange={({ detail }) => choose(detail.selectedOption.value)}
        />
      </FormField>
      <FormField label={words.of}>
        <Select
          selectedOption={of.find(({ value }) => value === key(draft.dimensions)) ?? null}
          options={of}
          disabled={of.length < 2}
          onChange={({ detail }) => choose(draft.metric, JSON.parse(detail.selectedOption.value ?? '[]'))}
        />
      </FormField>
      <FormField label={words.statistic}>
        <Select
          selectedOption={{ value: draft.statistic, label: statisticWords(draft.statistic) }}
          options={STATISTICS.map((value) => ({ value, label: statisticWords(value) }))}
          onChange={({ detail }) => change({ statistic: detail.selectedOption.value ?? draft.statistic })}
        />
      </FormField>
      <FormField label={words.period}>
        <Select
          selectedOption={{ value: String(draft.period), label: spanWords(draft.period / 60) }}
          options={ALARM_PERIODS.map((period) => ({ value: String(period), label: spanWords(period / 60) }))}
          onChange={({ detail }) => change({ period: Number(detail.selectedOption.value) })}
        />
      </FormField>
    </ColumnLayout>
  );
}

const statisticWords = (statistic: string) =>
  text.monitoring.statistics[statistic as keyof typeof text.monitoring.statistics] ?? statistic;

/** When the alarm is in alarm. */
function ConditionFields(props: FieldProps & { fault: (...kinds: DraftFault[]) => string | undefined }) {
  const { broker, draft, change, fault } = props;
  const unit = thresholdUnit(broker.engineType, { MetricName: draft.metric, Dimensions: draft.dimensions });
  return (
    <ColumnLayout columns={2}>
      <FormField label={words.comparison}>
        <Select
          selectedOption={{ value: draft.comparison, label: words.comparisons[draft.comparison] }}
          options={COMPARISONS.map((value) => ({ value, label: words.comparisons[value] }))}
          onChange={({ detail }) => change({ comparison: detail.selectedOption.value as AlarmDraft['comparison'] })}
        />
      </FormField>
      <FormField
        label={words.threshold}
        constraintText={draft.metric === undefined ? undefined : words.thresholdIn(words.units[unit])}
        errorText={fault('threshold')}
      >
        <Input
          value={draft.threshold}
          inputMode="decimal"
          onChange={({ detail }) => change({ threshold: detail.value })}
        />
      </FormField>
      <FormField
        label={words.datapoints}
        constraintText={words.datapointsHelp}
        errorText={fault('points', 'pointsOfPeriods')}
      >
        <Input value={draft.points} inputMode="numeric" onChange={({ detail }) => change({ points: detail.value })} />
      </FormField>
      <FormField label={words.evaluationPeriods} errorText={fault('periods')}>
        <Input value={draft.periods} inputMode="numeric" onChange={({ detail }) => change({ periods: detail.value })} />
      </FormField>
      <FormField label={words.missing}>
        <Select
          selectedOption={{ value: draft.missing, label: words.missings[draft.missing] }}
          options={MISSING_DATA.map((value) => ({ value, label: words.missings[value] }))}
          onChange={({ detail }) => change({ missing: detail.selectedOption.value as AlarmDraft['missing'] })}
        />
      </FormField>
    </ColumnLayout>
  );
}
