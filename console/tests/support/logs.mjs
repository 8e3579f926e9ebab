// Logs of a broker, as CloudWatch Logs tells them.
import { described, ID } from './monitoring.mjs';

const GROUP = `/aws/amazonmq/broker/${ID}/`;

/** Lines of RabbitMQ, the last one a second ago. */
export function lines(count, last = Date.now() - 1000) {
  const levels = ['info', 'info', 'info', 'warning', 'error'];
  return Array.from({ length: count }, (_, index) => {
    const at = last - (count - 1 - index) * 20;
    const time = new Date(at).toISOString().replace('T', ' ').replace('Z', '000+00:00');
    const what = index % 11 === 7 ? 'a line that is very long '.repeat(14) : `connection ${index} accepted`;
    return {
      eventId: `e${index}`,
      logStreamName: `rabbitmq-${ID}-${(index % 3) + 1}.log`,
      timestamp: at,
      ingestionTime: at,
      message: `${time} [${levels[index % levels.length]}] <0.${index}.0> ${what}`,
    };
  });
}

/** Answers what the tab of logs asks. `all` are the lines, oldest first, which may grow. */
export function logs(of, all, groups = ['channel', 'connection', 'general']) {
  const PER_PAGE = 5_000;
  return {
    ...described(of),
    'logs:DescribeLogGroups': {
      logGroups: groups.map((name) => ({ logGroupName: GROUP + name, retentionInDays: 30, storedBytes: 0 })),
    },
    'logs:DescribeLogStreams': {
      logStreams: [1, 2, 3].map((ordinal) => ({ logStreamName: `rabbitmq-${ID}-${ordinal}.log` })),
    },
    'logs:FilterLogEvents': ({ body }) => {
      const { startTime, endTime = Infinity, filterPattern, logStreamNames, nextToken } = body;
      if (filterPattern?.startsWith('[')) {
        const message = 'Invalid filter pattern: the list does not end.';
        return { status: 400, body: { __type: 'InvalidParameterException', message } };
      }
      const first = Number(nextToken ?? 0);
      const found = all.filter(
        ({ timestamp, message, logStreamName }) =>
          timestamp >= startTime &&
          timestamp <= endTime &&
          (!filterPattern || message.includes(filterPattern)) &&
          (!logStreamNames || logStreamNames.includes(logStreamName)),
      );
      const events = found.slice(first, first + PER_PAGE);
      const next = first + PER_PAGE < found.length ? { nextToken: String(first + PER_PAGE) } : {};
      return { body: { events, searchedLogStreams: [], ...next } };
    },
  };
}
