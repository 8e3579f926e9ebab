// What happened to a broker, and why: its events, joined to chapters with causes and lengths.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';
import { useEffect, useMemo, useState } from 'react';
import type { Schemas } from '../../api/client';
import { duration } from '../../model/time';
import { type Chapter, length, timeline, type Topic } from '../../model/timeline';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { Ago, Time } from '../../shared/Time';
import { text } from '../../text';
import { useEvents, useOutages } from './queries';

const { history } = text.broker;
const SHOWN = 10;
const FILTERS: Record<keyof typeof history.filters, Topic[]> = {
  all: ['request', 'work', 'trouble', 'failover', 'fault', 'maintenance', 'news'],
  requests: ['request', 'work', 'maintenance'],
  trouble: ['trouble', 'failover'],
  faults: ['fault'],
};
type Filter = keyof typeof FILTERS;

export function History({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useEvents(
    broker.brokerId,
    broker.brokerState,
  );
  const { data: report } = useOutages(broker.brokerId);
  const [filter, setFilter] = useState<Filter>('all');
  const [shown, setShown] = useState(SHOWN);
  const chapters = useMemo(() => {
    const events = data?.pages.flatMap((page) => page.events);
    return events ? timeline(events, report ?? undefined) : [];
  }, [data, report]);
  const fitting = chapters.filter(({ topic }) => FILTERS[filter].includes(topic));
  const more = () => {
    setShown(shown + 2 * SHOWN);
    if (hasNextPage && fitting.length <= shown + 2 * SHOWN) void fetchNextPage();
  };
  const options = Object.entries(history.filters).map(([value, label]) => ({ value, label }));
  const now = useNow(chapters.some(({ outcome }) => outcome === 'going-on'));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={history.intro}
          actions={
            <Select
              ariaLabel={history.filter}
              selectedOption={options.find((option) => option.value === filter) ?? null}
              options={options}
              onChange={({ detail }) => setFilter(detail.selectedOption.value as Filter)}
            />
          }
        >
          {history.title}
        </Header>
      }
    >
      {error && !data ? <Problem error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error ? <Loading /> : null}
      {data && !fitting.length ? (
        <Box color="text-body-secondary">{chapters.length ? history.nothing : history.empty}</Box>
      ) : null}
      <SpaceBetween size="s">
        {fitting.length ? (
          <Steps ariaLabel={history.title} steps={fitting.slice(0, shown).map((chapter) => stepOf(chapter, now))} />
        ) : null}
        {fitting.length > shown || hasNextPage ? (
          <Button loading={isFetchingNextPage} onClick={more}>
            {history.more}
          </Button>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}

/** The present time, every second while something is under way. */
function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}

function statusOf({ topic, outcome, sentence }: Chapter): StepsProps.Status {
  if (outcome === 'failed') return 'error';
  if (outcome === 'going-on') return topic === 'trouble' ? 'warning' : 'in-progress';
  if (topic === 'trouble' || topic === 'failover') return 'warning';
  const isInfo = topic === 'request' || topic === 'news';
  if (isInfo) return /^alarm .* to ALARM|link down/.test(sentence) ? 'warning' : 'info';
  return 'success';
}

function stepOf(chapter: Chapter, now: number): StepsProps.Step {
  const took = length(chapter, now);
  const words =
    took === undefined
      ? ''
      : chapter.end
        ? history.took(duration(took))
        : history.since(duration(Math.floor(took / 1000) * 1000));
  return {
    status: statusOf(chapter),
    statusIconAriaLabel: history.statuses[chapter.outcome] ?? chapter.outcome,
    header: (
      <>
        <b>{titleOf(chapter)}</b>
        {words ? ` ${text.common.none} ${words}` : ''}
      </>
    ),
    details: <Particulars chapter={chapter} />,
  };
}

/** "RebootBroker accepted" in words; everything else as brokerd says it. */
function titleOf({ sentence: first, topic, steps }: Chapter): string {
  // What began as an outage is known as the failover that ended it.
  const failover = topic === 'failover' ? steps.find(({ kind }) => kind === 'failover')?.message : undefined;
  const sentence = failover ?? first;
  const [, operation = '', rest = ''] = /^(\w+) accepted(?:: (.*))?$/.exec(sentence) ?? [];
  const words = history.sentences[operation];
  if (words) return rest ? `${words}: ${rest}` : words;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function Particulars({ chapter }: { chapter: Chapter }) {
  return (
    <SpaceBetween size="xxs">
      <Box color="text-body-secondary" fontSize="body-s">
        <Ago value={chapter.at} /> · <Time value={chapter.at} />
      </Box>
      {chapter.outcome === 'failed' ? <div>{failureOf(chapter)}</div> : null}
      {chapter.outages.map((outage) => (
        <div key={`${outage.cause} ${outage.seconds}`}>{outageWords(outage)}</div>
      ))}
      {chapter.steps.length ? (
        <ExpandableSection headerText={history.steps(chapter.steps.length)}>
          <ul>
            {chapter.steps.map((step) => (
              <li key={`${step.at} ${step.message}`}>
                {`+${duration(Math.max(0, Date.parse(step.at) - Date.parse(chapter.at)))}: ${step.message}`}
              </li>
            ))}
          </ul>
        </ExpandableSection>
      ) : null}
    </SpaceBetween>
  );
}

/** Why it failed: the last thing that went wrong. */
function failureOf({ steps }: Chapter): string {
  return steps.findLast(({ kind }) => kind === 'failure')?.message ?? '';
}

function outageWords({ seconds, cause, detail, isOver }: Chapter['outages'][number]): string {
  const known = cause === 'OTHER' ? detail : (history.causes[cause] ?? detail);
  const why = cause === 'OTHER' || !detail || detail === known ? known : `${known} (${detail})`;
  return isOver ? history.outage(duration(seconds * 1000), why) : history.outageLasts(duration(seconds * 1000), why);
}
