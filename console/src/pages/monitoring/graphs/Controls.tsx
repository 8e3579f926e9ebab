import Button from '@cloudscape-design/components/button';
import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { ReactNode } from 'react';
import { MARKER_KINDS, type MarkerKind } from '../../../model/markers';
import { MAX_SPAN, periodsOf, type RangeChoice, rangeOf, SPANS, spanWords } from '../../../model/range';
import { text } from '../../../text';
import { STATISTICS, type Statistic } from './data';

/** What a person has chosen. */
export interface Choices {
  range: RangeChoice;
  statistic: Statistic;
  period: number | undefined;
  kinds: readonly MarkerKind[];
  isLive: boolean;
  isTable: boolean;
}

interface Props {
  choices: Choices;
  onChange: (changed: Partial<Choices>) => void;
  /** The period that is shown, in seconds. */
  period: number | undefined;
  /** What stands before all others. */
  children: ReactNode;
}

const MINUTES = {
  second: 1 / 60,
  minute: 1,
  hour: 60,
  day: 1_440,
  week: 10_080,
  month: 43_200,
  year: 525_600,
} as const;

const relativeOptions = SPANS.map((minutes): DateRangePickerProps.RelativeOption => ({
  key: String(minutes),
  type: 'relative',
  amount: minutes,
  unit: 'minute',
}));

function pickerValue(range: RangeChoice): DateRangePickerProps.Value {
  if (range.kind === 'relative') {
    const minutes = range.minutes;
    return { type: 'relative', amount: minutes, unit: 'minute', key: String(minutes) };
  }
  const iso = (at: number) => new Date(at).toISOString();
  return { type: 'absolute', startDate: iso(range.from), endDate: iso(range.to) };
}

function chosenRange(value: DateRangePickerProps.Value): RangeChoice {
  if (value.type === 'relative') {
    return { kind: 'relative', minutes: Math.max(1, Math.round(value.amount * MINUTES[value.unit])) };
  }
  return { kind: 'absolute', from: Date.parse(value.startDate), to: Date.parse(value.endDate) };
}

const isValidRange: DateRangePickerProps.ValidationFunction = (value) => {
  const wrong = (errorMessage: string): DateRangePickerProps.ValidationResult => ({ valid: false, errorMessage });
  if (value === null) return wrong(text.monitoring.rangeMissing);
  const choice = chosenRange(value);
  const { from, to } = rangeOf(choice, Date.now());
  if (!Number.isFinite(from) || !Number.isFinite(to)) return wrong(text.monitoring.rangeMissing);
  if (from >= to) return wrong(text.monitoring.rangeBackwards);
  return to - from > MAX_SPAN * 60_000 ? wrong(text.monitoring.rangeTooLong) : { valid: true };
};

/** The time range, chosen from spans or a calendar. */
export function RangePicker({ range, onChange }: { range: RangeChoice; onChange: (range: RangeChoice) => void }) {
  return (
    <DateRangePicker
      value={pickerValue(range)}
      relativeOptions={relativeOptions}
      isValidRange={isValidRange}
      showClearButton={false}
      placeholder={text.monitoring.chooseRange}
      onChange={({ detail }) => (detail.value ? onChange(chosenRange(detail.value)) : undefined)}
      i18nStrings={{
        formatRelativeRange: ({ amount, unit }) => text.monitoring.lastSpan(spanWords(amount * MINUTES[unit])),
      }}
    />
  );
}

const periodWords = (seconds: number) => spanWords(seconds / 60);

/** Everything above the graphs that chooses what they show. */
export function Controls({ choices, onChange, period, children }: Props) {
  const now = Date.now();
  const automatic: SelectProps.Option = {
    value: 'auto',
    label: period === undefined ? text.monitoring.period : text.monitoring.automatic(periodWords(period)),
  };
  const periods = periodsOf(rangeOf(choices.range, now), now).map((seconds): SelectProps.Option => ({
    value: String(seconds),
    label: periodWords(seconds),
  }));
  const statistics = STATISTICS.map((value) => ({ value, label: text.monitoring.statistics[value] }));
  const kinds = MARKER_KINDS.map((value) => ({ value, label: text.monitoring.markers.titles[value] }));
  return (
    <div className="mon-controls">
      {children}
      <FormField label={text.monitoring.range}>
        <RangePicker range={choices.range} onChange={(range) => onChange({ range })} />
      </FormField>
      <FormField label={text.monitoring.statistic}>
        <Select
          selectedOption={statistics.find(({ value }) => value === choices.statistic) ?? null}
          options={statistics}
          onChange={({ detail }) => onChange({ statistic: detail.selectedOption.value as Statistic })}
        />
      </FormField>
      <FormField label={text.monitoring.period}>
        <Select
          selectedOption={periods.find(({ value }) => value === String(choices.period)) ?? automatic}
          options={[automatic, ...periods]}
          onChange={({ detail }) => {
            const seconds = Number(detail.selectedOption.value);
            onChange({ period: Number.isFinite(seconds) ? seconds : undefined });
          }}
        />
      </FormField>
      <FormField label={text.monitoring.markersShown}>
        <Multiselect
          hideTokens
          selectedOptions={kinds.filter(({ value }) => choices.kinds.includes(value))}
          options={kinds}
          placeholder={
            choices.kinds.length
              ? text.monitoring.markersChosen(choices.kinds.length, kinds.length)
              : text.monitoring.noMarkersChosen
          }
          onChange={({ detail }) => onChange({ kinds: detail.selectedOptions.map(({ value }) => value as MarkerKind) })}
        />
      </FormField>
      <SegmentedControl
        label={text.monitoring.view}
        selectedId={choices.isTable ? 'tables' : 'graphs'}
        options={[
          { id: 'graphs', text: text.monitoring.asGraphs },
          { id: 'tables', text: text.monitoring.asTables },
        ]}
        onChange={({ detail }) => onChange({ isTable: detail.selectedId === 'tables' })}
      />
    </div>
  );
}

interface RefreshProps {
  isLive: boolean;
  isLoading: boolean;
  onLive: (isLive: boolean) => void;
  onRefresh: () => void;
}

/** Reads anew: now, or every minute. */
export function Refresh({ isLive, isLoading, onLive, onRefresh }: RefreshProps) {
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <Toggle checked={isLive} onChange={({ detail }) => onLive(detail.checked)}>
        {text.monitoring.everyMinute}
      </Toggle>
      <Button iconName="refresh" ariaLabel={text.monitoring.refresh} loading={isLoading} onClick={onRefresh} />
    </SpaceBetween>
  );
}
