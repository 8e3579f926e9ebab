// Logs, as they are read.
import { useQuery } from '@tanstack/react-query';
import { target } from '../../../api/services';
import type { LogLine } from '../../../model/loglines';
import type { Range } from '../../../model/range';
import type { Broker } from '../graphs/data';

export interface LogGroup {
  logGroupName: string;
  retentionInDays?: number;
  storedBytes: number;
}

interface LogStream {
  logStreamName: string;
}

async function allPages<T, K extends string>(operation: string, member: K, input: object): Promise<T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const page: { nextToken?: string } & Record<K, T[]> = await target('logs', operation, {
      ...input,
      ...(nextToken ? { nextToken } : {}),
    });
    all.push(...page[member]);
    nextToken = page.nextToken;
  } while (nextToken);
  return all;
}

/** The log groups of a broker. */
export function useGroups(broker: Broker) {
  return useQuery({
    queryKey: ['broker', broker.brokerId, 'log-groups'],
    queryFn: () =>
      allPages<LogGroup, 'logGroups'>('DescribeLogGroups', 'logGroups', {
        logGroupNamePrefix: `/aws/amazonmq/broker/${broker.brokerId}/`,
      }),
    // A category of RabbitMQ gets its group with its first line.
    refetchInterval: 60_000,
  });
}

/** The streams of a group: one for each instance. */
export function useStreams(broker: Broker, group: string | undefined) {
  return useQuery({
    queryKey: ['broker', broker.brokerId, 'log-streams', group],
    queryFn: () => allPages<LogStream, 'logStreams'>('DescribeLogStreams', 'logStreams', { logGroupName: group }),
    enabled: group !== undefined,
    select: (streams) => streams.map(({ logStreamName }) => logStreamName).sort(),
  });
}

/** Which lines are read. */
export interface Search {
  group: string;
  /** None: all. */
  stream: string | undefined;
  pattern: string;
}

export interface LogPage {
  events: LogLine[];
  nextToken?: string;
}

/** A page of lines, oldest first. A page may be empty and not the last one: the server looks only so far at once. */
export function readLines(search: Search, range: { from: number; to?: number }, nextToken?: string): Promise<LogPage> {
  return target('logs', 'FilterLogEvents', {
    logGroupName: search.group,
    startTime: Math.max(0, Math.floor(range.from)),
    ...(range.to === undefined ? {} : { endTime: Math.ceil(range.to) }),
    ...(search.stream === undefined ? {} : { logStreamNames: [search.stream] }),
    ...(search.pattern ? { filterPattern: search.pattern } : {}),
    ...(nextToken ? { nextToken } : {}),
  });
}

/** Most lines of a file. */
export const MAX_OF_FILE = 200_000;

/** All lines of a range, at most so many as a file may have. */
export async function readAll(search: Search, range: Range, onProgress: (count: number) => void): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let token: string | undefined;
  do {
    const page = await readLines(search, range, token);
    lines.push(...page.events);
    token = page.nextToken;
    onProgress(lines.length);
  } while (token && lines.length < MAX_OF_FILE);
  return lines.slice(0, MAX_OF_FILE);
}
