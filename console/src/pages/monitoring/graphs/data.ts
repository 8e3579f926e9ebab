// What the graphs show, as it is read.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../../api/client';
import { target } from '../../../api/services';
import {
  brokerDimensions,
  type Dimension,
  measured,
  type MeasuredBroker,
  NAMESPACE,
  type Scope,
  type Wanted,
  wanted,
} from '../../../model/metrics';
import { aligned, fittingPeriod, periodsOf, type Range, type RangeChoice, rangeOf } from '../../../model/range';
import { type MetricDataResult, type Point, pointsOf } from '../../../model/series';
import type { Happened } from '../../../model/markers';
import { keys } from '../../../shell/live';
import { readReport } from '../report/data';

export type Broker = Schemas['DescribeBrokerResponse'];

/** Most queries of a request. Source: GetMetricData of the CloudWatch API reference. */
const MAX_QUERIES = 500;
/** Most names that are listed. */
export const MAX_NAMES = 2_000;
const MINUTE_MS = 60_000;

export const STATISTICS = ['Average', 'Maximum', 'Minimum', 'Sum', 'SampleCount'] as const;
export type Statistic = (typeof STATISTICS)[number];

/** A metric and its values. */
export interface Measurement extends Wanted {
  points: Point[];
}

/** All of a page, read at once. */
export interface Measurements {
  range: Range;
  period: number;
  measurements: Measurement[];
}

interface GetMetricDataOutput {
  MetricDataResults: MetricDataResult[];
  NextToken?: string;
}

async function readMetrics(queries: Wanted[], range: Range, period: number, stat: Statistic): Promise<Measurement[]> {
  const all = queries.map((query): Measurement => ({ ...query, points: [] }));
  for (let first = 0; first < queries.length; first += MAX_QUERIES) {
    const part = queries.slice(first, first + MAX_QUERIES);
    const MetricDataQueries = part.map(({ metric, dimensions }, index) => ({
      Id: `m${first + index}`,
      MetricStat: {
        Metric: { Namespace: NAMESPACE, MetricName: metric, Dimensions: dimensions },
        Period: period,
        Stat: stat,
      },
    }));
    let token: string | undefined;
    do {
      const page: GetMetricDataOutput = await target('monitoring', 'GetMetricData', {
        MetricDataQueries,
        StartTime: range.from / 1000,
        EndTime: range.to / 1000,
        ScanBy: 'TimestampAscending',
        ...(token ? { NextToken: token } : {}),
      });
      for (const result of page.MetricDataResults) all[Number(result.Id.slice(1))]?.points.push(...pointsOf(result));
      token = page.NextToken;
    } while (token);
  }
  return all;
}

export interface Asked {
  scope: Scope | undefined;
  choice: RangeChoice;
  statistic: Statistic;
  /** In seconds; none: what fits. */
  period: number | undefined;
  isLive: boolean;
}

/** The values of all graphs of a scope. */
export function useMetrics(broker: Broker, { scope, choice, statistic, period, isLive }: Asked, nodes: string[]) {
  return useQuery({
    // The server's events tell nothing of metrics, so they do not make these stale.
    queryKey: ['metrics', broker.brokerId, scope, choice, statistic, period, nodes],
    queryFn: async (): Promise<Measurements> => {
      const now = Date.now();
      const chosen = rangeOf(choice, now);
      const possible = periodsOf(chosen, now);
      const used = period !== undefined && possible.includes(period) ? period : fittingPeriod(chosen, now);
      const range = aligned(chosen, used);
      const queries = scope ? wanted(broker.engineType, scope.level, measured(broker, scope, nodes)) : [];
      return { range, period: used, measurements: await readMetrics(queries, range, used, statistic) };
    },
    enabled: scope !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: isLive && choice.kind === 'relative' ? MINUTE_MS : false,
  });
}

interface ListMetricsOutput {
  Metrics: { Dimensions: Dimension[] }[];
  NextToken?: string;
}

/** Something that can be chosen: a node, a queue or a topic. */
export interface Name {
  name: string;
  virtualHost?: string;
}

async function readNames(broker: MeasuredBroker, level: 'node' | 'queue' | 'topic'): Promise<Name[]> {
  const isRabbit = broker.engineType.toUpperCase() === 'RABBITMQ';
  const dimension = { node: 'Node', queue: 'Queue', topic: 'Topic' }[level];
  const names = new Map<string, Name>();
  for (const value of brokerDimensions(broker)) {
    let token: string | undefined;
    do {
      const page: ListMetricsOutput = await target('monitoring', 'ListMetrics', {
        Namespace: NAMESPACE,
        // One metric that everything of this kind has: the names are wanted, not the metrics.
        MetricName: level === 'node' ? 'SystemCpuUtilization' : 'ConsumerCount',
        Dimensions: [
          { Name: 'Broker', Value: value },
          ...(level === 'queue' && isRabbit ? [{ Name: 'VirtualHost' }] : []),
          { Name: dimension },
        ],
        ...(token ? { NextToken: token } : {}),
      });
      for (const { Dimensions } of page.Metrics) {
        const name = Dimensions.find((one) => one.Name === dimension)?.Value;
        const virtualHost = Dimensions.find((one) => one.Name === 'VirtualHost')?.Value;
        if (name === undefined) continue;
        names.set(`${virtualHost ?? ''}\n${name}`, { name, ...(virtualHost ? { virtualHost } : {}) });
      }
      token = page.NextToken;
    } while (token && names.size < MAX_NAMES);
  }
  return [...names.values()].sort((one, other) => one.name.localeCompare(other.name)).slice(0, MAX_NAMES);
}

/** The names of what a level has. */
export function useNames(broker: Broker, level: Scope['level'], isEnabled: boolean) {
  return useQuery({
    queryKey: ['metrics', broker.brokerId, 'names', level],
    queryFn: () => (level === 'broker' ? [] : readNames(broker, level)),
    enabled: isEnabled && level !== 'broker',
    staleTime: 5 * MINUTE_MS,
  });
}

const NEWEST = 100;

/** What happened to a broker in a range, as far as it can be read, and what can't. */
export function useHappened(broker: Broker, range: Range | undefined): { happened: Happened; errors: unknown[] } {
  const id = broker.brokerId;
  const path = { 'broker-id': id };
  const query = { maxResults: NEWEST };
  const events = useQuery({
    // As the history of the broker's page, which shows the same.
    queryKey: [keys.broker, id, 'events', 'markers'],
    queryFn: () => answer(api.GET('/brokerd/v1/brokers/{broker-id}/events', { params: { path, query } })),
  });
  const faults = useQuery({
    queryKey: [keys.broker, id, 'faults', NEWEST],
    queryFn: () => answer(api.GET('/brokerd/v1/brokers/{broker-id}/faults', { params: { path, query } })),
  });
  // Whole hours, so that a range which moves on every minute is the same report.
  const from = range && new Date(Math.floor(range.from / 3_600_000) * 3_600_000).toISOString();
  const report = useQuery({
    queryKey: [keys.broker, id, 'report', 'markers', from],
    queryFn: () => readReport(id, { from: from ?? '' }),
    enabled: from !== undefined,
    placeholderData: keepPreviousData,
  });
  return {
    happened: {
      events: events.data?.events,
      faults: faults.data?.faults,
      failovers: report.data?.failovers,
      restarts: report.data?.restarts,
      outages: report.data?.outages,
    },
    errors: [events.error, faults.error, report.error].filter((error) => error !== null),
  };
}
