import assert from 'node:assert/strict';
import test from 'node:test';
import { type Alarm, draftFaults, draftOf, editedDraft, isOn, levelOf, putInput, watchedWords, watches } from './alarm';

const broker = { brokerName: 'orders', engineType: 'RabbitMQ', deploymentMode: 'SINGLE_INSTANCE' };
const of = [{ Name: 'Broker', Value: 'orders' }];
const alarm: Alarm = {
  AlarmName: 'deep',
  AlarmArn: 'arn',
  ActionsEnabled: false,
  OKActions: [],
  InsufficientDataActions: ['arn:i'],
  AlarmActions: ['arn:aws:sns:us-east-1:123456789012:on-call'],
  StateValue: 'OK',
  StateReason: '',
  StateTransitionedTimestamp: 0,
  MetricName: 'MessageCount',
  Namespace: 'AWS/AmazonMQ',
  Statistic: 'Maximum',
  Dimensions: of,
  Period: 300,
  Unit: 'Count',
  EvaluationPeriods: 3,
  Threshold: 1000,
  ComparisonOperator: 'GreaterThanThreshold',
};

test('an alarm that is saved as it was stays the same, with what the form does not show', () => {
  const input = putInput(editedDraft(alarm));
  for (const member of [
    'AlarmName',
    'ActionsEnabled',
    'InsufficientDataActions',
    'AlarmActions',
    'Unit',
    'Period',
    'Statistic',
    'Threshold',
    'EvaluationPeriods',
    'Dimensions',
    'MetricName',
  ] as const) {
    assert.deepEqual(input[member], alarm[member], member);
  }
  assert.equal(input['DatapointsToAlarm'], 3, 'all periods, where nothing else was said');
});

test('an alarm on an expression keeps it', () => {
  const Metrics = [
    { Id: 'm', MetricStat: { Metric: { MetricName: 'MessageCount', Dimensions: of } }, ReturnData: false },
    { Id: 'e', Expression: 'RATE(m)', Label: 'growth' },
  ];
  const math: Alarm = { ...alarm, MetricName: undefined, Dimensions: [], Metrics };
  assert.deepEqual(putInput(editedDraft(math))['Metrics'], Metrics);
  assert.deepEqual(draftFaults(editedDraft(math)), []);
  assert.ok(watches(math, broker) && !watches(math, { ...broker, brokerName: 'other' }));
  assert.equal(watchedWords(math), 'growth');
});

test('a form tells what is missing or wrong', () => {
  assert.deepEqual(draftFaults(draftOf(undefined, of, 'Average')), ['name', 'metric', 'threshold']);
  const draft = { ...draftOf('MessageCount', of, 'Average'), threshold: '1e3' };
  assert.equal(draft.name, 'orders-MessageCount');
  assert.deepEqual(draftFaults(draft), []);
  assert.deepEqual(draftFaults({ ...draft, threshold: 'many' }), ['threshold']);
  assert.deepEqual(draftFaults({ ...draft, points: '4' }), ['pointsOfPeriods']);
  assert.deepEqual(draftFaults({ ...draft, periods: '0' }), ['periods']);
  assert.deepEqual(draftFaults({ ...draft, alarmTopics: 'mail@example.com' }), ['alarmTopics']);
});

test('an alarm is on a metric only with the same dimensions', () => {
  assert.ok(isOn(alarm, 'MessageCount', of));
  assert.ok(!isOn(alarm, 'MessageCount', [...of, { Name: 'Node', Value: 'n1' }]));
  assert.ok(!isOn(alarm, 'QueueCount', of));
  assert.equal(levelOf([...of, { Name: 'VirtualHost', Value: '/' }, { Name: 'Queue', Value: 'q' }]), 'queue');
});
