import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useCallback, useState } from 'react';
import { asFile, groupKind } from '../../model/loglines';
import { type RangeChoice, rangeOf } from '../../model/range';
import { download } from '../../shared/download';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import type { Broker } from './graphs/data';
import { type LogGroup, MAX_OF_FILE, readAll, type Search, useGroups } from './logs/data';
import { LineList } from './logs/LineList';
import { LogControls } from './logs/LogControls';
import { LogsOff, logsOff } from './logs/LogsOff';
import { useLines } from './logs/useLines';
import './monitoring.css';

const words = text.monitoring.logs;

/** The logs of a broker: followed, or of a time that has passed. */
export default function Logs({ broker }: { broker: Broker }) {
  const groups = useGroups(broker);
  const off = logsOff(broker);
  // That there is no audit log is said below a general log that is there.
  const isGeneralOff = off.includes('general');
  const notice = off.length ? <LogsOff broker={broker} logs={off} /> : null;
  return (
    <SpaceBetween size="l">
      {isGeneralOff ? notice : null}
      {groups.error ? <Problem error={groups.error} onRetry={() => void groups.refetch()} /> : null}
      {groups.isPending ? <Loading /> : null}
      {groups.data?.length === 0 ? (
        <Container>
          <Box textAlign="center" padding="xl">
            <Box variant="strong">{words.noGroups}</Box>
            <Box variant="p" color="text-body-secondary">
              {words.noGroupsHelp}
            </Box>
          </Box>
        </Container>
      ) : null}
      {groups.data?.length ? <Viewer broker={broker} groups={groups.data} /> : null}
      {isGeneralOff ? null : notice}
    </SpaceBetween>
  );
}

function Viewer({ broker, groups }: { broker: Broker; groups: LogGroup[] }) {
  const usual = groups.find(({ logGroupName }) => groupKind(logGroupName) === 'general') ?? groups[0];
  const [search, setSearch] = useState<Search>({ group: usual?.logGroupName ?? '', stream: undefined, pattern: '' });
  const [choice, setChoice] = useState<RangeChoice>({ kind: 'relative', minutes: 60 });
  const [isFollowing, setFollowing] = useState(true);
  const [isWrapped, setWrapped] = useState(false);
  const [isPaused, setPaused] = useState(false);
  const [attempt, setAttempt] = useState(0);
  // What has ended can't be followed.
  const follows = isFollowing && choice.kind === 'relative';
  const found = useLines(search, choice, follows, attempt);
  const paused = useCallback((is: boolean) => setPaused(is), []);
  const group = groups.find(({ logGroupName }) => logGroupName === search.group);
  const isPatternWrong = (found.error as { code?: string } | undefined)?.code === 'InvalidParameterException';
  const status = [
    words.lines(found.lines.length),
    found.dropped ? words.dropped(found.dropped) : '',
    found.isReading ? words.searching : '',
    follows && !found.isReading ? (isPaused ? words.paused : words.following) : '',
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`${words.help} ${group?.retentionInDays ? words.kept(group.retentionInDays) : words.keptUsual}`}
          actions={<DownloadButton broker={broker} search={search} choice={choice} />}
        >
          {words.title}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <LogControls
          {...{ broker, groups, search, choice, isFollowing: follows, isWrapped }}
          patternError={isPatternWrong && found.error instanceof Error ? found.error.message : undefined}
          onSearch={setSearch}
          onChoice={(chosen) => {
            setChoice(chosen);
            if (chosen.kind === 'absolute') setFollowing(false);
          }}
          onFollow={(is) => {
            setFollowing(is);
            if (is && choice.kind === 'absolute') setChoice({ kind: 'relative', minutes: 60 });
          }}
          onWrap={setWrapped}
        />
        {found.error && !isPatternWrong ? (
          <Problem error={found.error} onRetry={() => setAttempt((count) => count + 1)} />
        ) : null}
        <Box color="text-body-secondary" fontSize="body-s">
          <span aria-live="polite">{status}</span>
        </Box>
        {found.lines.length ? (
          <LineList
            key={JSON.stringify([search, choice, follows])}
            lines={found.lines}
            dropped={found.dropped}
            isFollowing={follows}
            isWrapped={isWrapped}
            hasInstances={search.stream === undefined && broker.deploymentMode !== 'SINGLE_INSTANCE'}
            onPaused={paused}
          />
        ) : found.isReading ? (
          <Loading />
        ) : found.error ? null : (
          <Box textAlign="center" padding="xl" color="text-body-secondary">
            {search.pattern ? words.nothingMatches : words.nothing} {follows ? words.waiting : ''}
          </Box>
        )}
        {found.readMore ? <Button onClick={found.readMore}>{words.more}</Button> : null}
      </SpaceBetween>
    </Container>
  );
}

function DownloadButton({ broker, search, choice }: { broker: Broker; search: Search; choice: RangeChoice }) {
  const [count, setCount] = useState<number>();
  const flash = useFlash();
  const save = async () => {
    setCount(0);
    try {
      const lines = await readAll(search, rangeOf(choice, Date.now()), setCount);
      const name = `${broker.brokerName}-${groupKind(search.group)}.log`;
      download(name, new Blob([asFile(lines)], { type: 'text/plain' }));
      if (lines.length === MAX_OF_FILE) flash.show({ type: 'info', content: words.downloadCut(MAX_OF_FILE) });
    } catch (error) {
      flash.failed(words.downloadFailed, error);
    }
    setCount(undefined);
  };
  const isBusy = count !== undefined;
  return (
    <Button iconName="download" loading={isBusy} loadingText={words.downloading(count ?? 0)} onClick={save}>
      {isBusy ? words.downloading(count) : words.download}
    </Button>
  );
}
