// Alarms of CloudWatch: as they are told, as a form has them, and as they are saved.
import { type Dimension, isOfBroker, type Level, type MeasuredBroker, NAMESPACE, unitOf } from './metrics';

export const COMPARISONS = [
  'GreaterThanThreshold',
  'GreaterThanOrEqualToThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

export const MISSING_DATA = ['missing', 'notBreaching', 'breaching', 'ignore'] as const;
export type MissingData = (typeof MISSING_DATA)[number];

/** Periods of alarms, in seconds. */
export const ALARM_PERIODS = [60, 300, 900, 3_600, 21_600, 86_400] as const;

interface AlarmQuery {
  Id?: string;
  Expression?: string;
  Label?: string;
  MetricStat?: { Metric?: { MetricName?: string; Dimensions?: Dimension[] } };
  ReturnData?: boolean;
}

/** An alarm, as DescribeAlarms tells it. Times are seconds since 1970. */
export interface Alarm {
  AlarmName: string;
  AlarmArn: string;
  AlarmDescription?: string;
  ActionsEnabled: boolean;
  OKActions: string[];
  AlarmActions: string[];
  InsufficientDataActions: string[];
  StateValue: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  StateReason: string;
  StateTransitionedTimestamp: number | string;
  MetricName?: string;
  Namespace?: string;
  Statistic?: string;
  Dimensions: Dimension[];
  Period?: number;
  Unit?: string;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Threshold: number;
  ComparisonOperator: Comparison;
  TreatMissingData?: MissingData;
  Metrics?: AlarmQuery[];
}

/** Whether an alarm watches something of a broker: a metric, or an expression with one. */
export function watches(alarm: Alarm, broker: MeasuredBroker): boolean {
  if (isOfBroker(broker, alarm.Dimensions)) return true;
  const queries = alarm.Metrics ?? [];
  return queries.some((query) => isOfBroker(broker, query.MetricStat?.Metric?.Dimensions ?? []));
}

/** Whether an alarm watches that very metric. */
export function isOn(alarm: Alarm, metric: string, dimensions: readonly Dimension[]): boolean {
  if (alarm.MetricName !== metric || alarm.Dimensions.length !== dimensions.length) return false;
  return dimensions.every(({ Name, Value }) =>
    alarm.Dimensions.some((one) => one.Name === Name && one.Value === Value),
  );
}

/** Of what dimensions are. */
export function levelOf(dimensions: readonly Dimension[]): Level {
  const has = (name: string) => dimensions.some(({ Name }) => Name === name);
  return has('Queue') ? 'queue' : has('Topic') ? 'topic' : has('Node') ? 'node' : 'broker';
}

/** Dimensions in words: "orders-1, queue orders.new". */
export function dimensionWords(dimensions: readonly Dimension[]): string {
  return dimensions.map(({ Name, Value }) => (Name === 'Broker' ? Value : `${Name.toLowerCase()} ${Value}`)).join(', ');
}

/** An alarm in a form: numbers are as they are typed. */
export interface AlarmDraft {
  name: string;
  description: string;
  metric: string | undefined;
  dimensions: Dimension[];
  statistic: string;
  period: number;
  comparison: Comparison;
  threshold: string;
  periods: string;
  points: string;
  missing: MissingData;
  /** Topics, one a line. */
  alarmTopics: string;
  okTopics: string;
  /** The alarm that is edited. What the form does not show stays as it is. */
  edited?: Alarm;
}

/** The start of an alarm on a metric. */
export function draftOf(metric: string | undefined, dimensions: Dimension[], statistic: string): AlarmDraft {
  const of = dimensions.map(({ Value }) => Value.replaceAll('/', '')).filter(Boolean);
  return {
    name: metric === undefined ? '' : [...of, metric].join('-').slice(0, 255),
    description: '',
    metric,
    dimensions,
    statistic,
    period: 60,
    comparison: 'GreaterThanThreshold',
    threshold: '',
    periods: '3',
    points: '3',
    missing: 'missing',
    alarmTopics: '',
    okTopics: '',
  };
}

/** An alarm in a form. */
export function editedDraft(alarm: Alarm): AlarmDraft {
  return {
    name: alarm.AlarmName,
    description: alarm.AlarmDescription ?? '',
    metric: alarm.MetricName,
    dimensions: alarm.Dimensions,
    statistic: alarm.Statistic ?? 'Average',
    period: alarm.Period ?? 60,
    comparison: alarm.ComparisonOperator,
    threshold: String(alarm.Threshold),
    periods: String(alarm.EvaluationPeriods),
    points: String(alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods),
    missing: alarm.TreatMissingData ?? 'missing',
    alarmTopics: alarm.AlarmActions.join('\n'),
    okTopics: alarm.OKActions.join('\n'),
    edited: alarm,
  };
}

export type DraftFault =
  'name' | 'metric' | 'threshold' | 'periods' | 'points' | 'pointsOfPeriods' | 'alarmTopics' | 'okTopics';

const TOPIC = /^arn:aws:sns:[^:\s]+:\d{12}:[\w.-]{1,256}$/;
const topicsOf = (lines: string) => lines.split(/\s+/).filter(Boolean);
const isNumber = (typed: string) => typed.trim() !== '' && Number.isFinite(Number(typed));
const isCount = (typed: string) => /^\d+$/.test(typed.trim()) && Number(typed) > 0;

/** What is wrong with a draft. The server knows all rules; these are those that a form can tell at once. */
export function draftFaults(draft: AlarmDraft): DraftFault[] {
  const faults: DraftFault[] = [];
  if (draft.name.length < 1 || draft.name.length > 255) faults.push('name');
  if (draft.metric === undefined && !draft.edited?.Metrics) faults.push('metric');
  if (!isNumber(draft.threshold)) faults.push('threshold');
  if (!isCount(draft.periods)) faults.push('periods');
  if (!isCount(draft.points)) faults.push('points');
  else if (isCount(draft.periods) && Number(draft.points) > Number(draft.periods)) faults.push('pointsOfPeriods');
  if (!topicsOf(draft.alarmTopics).every((topic) => TOPIC.test(topic))) faults.push('alarmTopics');
  if (!topicsOf(draft.okTopics).every((topic) => TOPIC.test(topic))) faults.push('okTopics');
  return faults;
}

/** The input of PutMetricAlarm. */
export function putInput(draft: AlarmDraft): Record<string, unknown> {
  const { edited } = draft;
  const watched = edited?.Metrics
    ? { Metrics: edited.Metrics }
    : {
        Namespace: edited?.Namespace ?? NAMESPACE,
        MetricName: draft.metric,
        Dimensions: draft.dimensions,
        Statistic: draft.statistic,
        Period: draft.period,
        ...(edited?.Unit && draft.metric === edited.MetricName ? { Unit: edited.Unit } : {}),
      };
  return {
    AlarmName: draft.name,
    ...(draft.description ? { AlarmDescription: draft.description } : {}),
    ...watched,
    ComparisonOperator: draft.comparison,
    Threshold: Number(draft.threshold),
    EvaluationPeriods: Number(draft.periods),
    DatapointsToAlarm: Number(draft.points),
    TreatMissingData: draft.missing,
    ActionsEnabled: edited?.ActionsEnabled ?? true,
    AlarmActions: topicsOf(draft.alarmTopics),
    OKActions: topicsOf(draft.okTopics),
    InsufficientDataActions: edited?.InsufficientDataActions ?? [],
  };
}

/** What an alarm watches, in words. */
export function watchedWords(alarm: Alarm): string {
  if (alarm.MetricName !== undefined) return alarm.MetricName;
  const told = alarm.Metrics?.find(({ ReturnData, Expression }) => ReturnData !== false && Expression !== undefined);
  return told?.Label ?? told?.Expression ?? '';
}

/** The unit in which a threshold is told. */
export function thresholdUnit(engine: string, alarm: Pick<Alarm, 'MetricName' | 'Dimensions'>) {
  return alarm.MetricName === undefined ? 'Count' : unitOf(engine, levelOf(alarm.Dimensions), alarm.MetricName);
}
