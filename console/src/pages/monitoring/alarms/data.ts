// Alarms, as they are read and changed.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { target } from '../../../api/services';
import { type Alarm, type AlarmDraft, draftOf, putInput, watches } from '../../../model/alarm';
import { brokerDimensions, type Wanted } from '../../../model/metrics';
import { keys } from '../../../shell/live';
import type { Broker } from '../graphs/data';

export type { Alarm, AlarmDraft };

/** Alarms of a page, at most, and how many are looked through. */
const PER_PAGE = 100;
const MOST = 2_000;

interface DescribeAlarmsOutput {
  MetricAlarms: Alarm[];
  NextToken?: string;
}

interface Alarms {
  alarms: Alarm[];
  /** How many alarms were looked through, if there are more. */
  lookedThrough?: number;
}

async function readAlarms(broker: Broker): Promise<Alarms> {
  const alarms: Alarm[] = [];
  let seen = 0;
  let token: string | undefined;
  do {
    const page: DescribeAlarmsOutput = await target('monitoring', 'DescribeAlarms', {
      AlarmTypes: ['MetricAlarm'],
      MaxRecords: PER_PAGE,
      ...(token ? { NextToken: token } : {}),
    });
    seen += page.MetricAlarms.length;
    alarms.push(...page.MetricAlarms.filter((alarm) => watches(alarm, broker)));
    token = page.NextToken;
  } while (token && seen < MOST);
  return token ? { alarms, lookedThrough: seen } : { alarms };
}

/** The key of a broker's alarms. A change of a state is an event of the broker, which makes them stale. */
export const alarmsKey = (broker: Broker) => [keys.broker, broker.brokerId, 'alarms'];

/** The alarms of a broker. */
export function useAlarms(broker: Broker) {
  return useQuery({
    queryKey: alarmsKey(broker),
    queryFn: () => readAlarms(broker),
    // Those that others make are told by no event.
    refetchInterval: 60_000,
  });
}

export interface HistoryItem {
  Timestamp: number | string;
  HistoryItemType: 'StateUpdate' | 'ConfigurationUpdate' | 'Action';
  HistorySummary: string;
  HistoryData: string;
}

interface DescribeAlarmHistoryOutput {
  AlarmHistoryItems: HistoryItem[];
  NextToken?: string;
}

/** What happened to an alarm, the newest first. */
export function useHistory(broker: Broker, name: string) {
  return useInfiniteQuery({
    queryKey: [...alarmsKey(broker), name, 'history'],
    queryFn: ({ pageParam }: { pageParam: string | undefined }) =>
      target<DescribeAlarmHistoryOutput>('monitoring', 'DescribeAlarmHistory', {
        AlarmName: name,
        MaxRecords: 50,
        ...(pageParam ? { NextToken: pageParam } : {}),
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.NextToken,
  });
}

export const putAlarm = (draft: AlarmDraft) => target('monitoring', 'PutMetricAlarm', putInput(draft));
export const deleteAlarm = (name: string) => target('monitoring', 'DeleteAlarms', { AlarmNames: [name] });
export const enableActions = (name: string, isEnabled: boolean) =>
  target('monitoring', isEnabled ? 'EnableAlarmActions' : 'DisableAlarmActions', { AlarmNames: [name] });

/** A new alarm on a metric; without one it has to be chosen. */
export function newAlarm(broker: Broker, on?: Wanted & { statistic: string }): AlarmDraft {
  if (on) return draftOf(on.metric, on.dimensions, on.statistic);
  const [first = broker.brokerName] = brokerDimensions(broker);
  return draftOf(undefined, [{ Name: 'Broker', Value: first }], 'Average');
}
