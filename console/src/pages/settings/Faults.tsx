import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { countdown, isMomentary, isUnderWay, progress, remaining } from '../../model/faultTime';
import { duration } from '../../model/time';
import { CopyText } from '../../shared/CopyText';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { FaultDialog } from './FaultDialog';
import { type Broker, useChanged, useFaults } from './queries';
import { useNow } from './useNow';

const t = text.settings.faults;
type Fault = Schemas['Fault'];

const MAX_FAULTS = 10;
const PAGE = 10;
const STATES: Record<string, StatusIndicatorProps.Type> = {
  PENDING: 'pending',
  ACTIVE: 'warning',
  HEALING: 'in-progress',
  ENDED: 'success',
};

/** What a fault is about: an instance, a zone, a latency. */
function targetText({ kind, instance, zone, latencyMilliseconds, jitterMilliseconds }: Fault): string {
  if (latencyMilliseconds !== undefined) return t.withLatency(latencyMilliseconds, jitterMilliseconds ?? 0);
  if (zone !== undefined) return zone;
  if (instance !== undefined) return t.ofInstance(instance);
  return kind === 'LATENCY' ? t.ofAll : t.instanceServing;
}

function kindText(kind: string): string {
  return t.kinds[kind] ?? kind;
}

function State({ state }: { state: string }) {
  return <StatusIndicator type={STATES[state] ?? 'info'}>{t.states[state] ?? state}</StatusIndicator>;
}

function Disabled() {
  return (
    <Alert type="info" header={t.disabledTitle}>
      <SpaceBetween size="xs">
        <div>{t.disabledHelp}</div>
        <Box variant="code">
          <pre>{t.disabledToml}</pre>
        </Box>
        <div>{t.disabledOr}</div>
        <CopyText value={t.disabledEnvironment} label={t.disabledOr} />
        <CopyText value={t.disabledArgument} label={t.disabledOr} />
      </SpaceBetween>
    </Alert>
  );
}

/** A fault that is not over, with the time that is left and a way to end it. */
function Current({ broker, fault }: { broker: Broker; fault: Fault }) {
  const [isEnding, setEnding] = useState(false);
  const now = useNow(1_000);
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const kind = kindText(fault.kind);
  const left = remaining(fault, now);
  const end = async () => {
    setEnding(true);
    try {
      const params = { path: { 'broker-id': broker.brokerId, 'fault-id': fault.id } };
      await answer(api.DELETE('/brokerd/v1/brokers/{broker-id}/faults/{fault-id}', { params }));
      flash.done(t.ending(kind));
    } catch (error) {
      flash.failed(t.notEnded, error);
    }
    await changed();
    setEnding(false);
  };
  const isHealing = fault.state === 'HEALING';
  return (
    <Container
      header={
        <Header
          variant="h3"
          description={targetText(fault)}
          actions={
            <Button ariaLabel={t.endWhat(kind)} loading={isEnding} disabled={isHealing} onClick={() => void end()}>
              {t.endNow}
            </Button>
          }
        >
          {kind}
        </Header>
      }
    >
      {isMomentary(fault.kind) || isHealing ? (
        <State state={fault.state} />
      ) : (
        <ProgressBar
          value={progress(fault, now)}
          label={<State state={fault.state} />}
          ariaLabel={kind}
          additionalInfo={<span role="timer">{`${t.remaining}: ${countdown(left)}`}</span>}
          description={t.explained[fault.kind]}
        />
      )}
    </Container>
  );
}

function lastedText({ kind, startsAt, endedAt }: Fault): string {
  if (isMomentary(kind) || endedAt === undefined) return text.common.none;
  return duration(Math.max(0, Date.parse(endedAt) - Date.parse(startsAt)));
}

function History({ faults }: { faults: Fault[] }) {
  const [page, setPage] = useState(1);
  const pages = Math.max(1, Math.ceil(faults.length / PAGE));
  const current = Math.min(page, pages);
  return (
    <Table
      header={
        <Header variant="h2" counter={text.settings.pendingCount(faults.length)} description={t.historyHelp}>
          {t.history}
        </Header>
      }
      pagination={
        pages > 1 ? (
          <Pagination
            currentPageIndex={current}
            pagesCount={pages}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
          />
        ) : undefined
      }
      ariaLabels={{ tableLabel: t.history }}
      items={faults.slice((current - 1) * PAGE, current * PAGE)}
      trackBy="id"
      wrapLines
      empty={<Box padding="m">{t.historyNone}</Box>}
      columnDefinitions={[
        { id: 'kind', header: t.kind, isRowHeader: true, minWidth: 130, cell: ({ kind }) => kindText(kind) },
        { id: 'target', header: t.target, minWidth: 150, cell: targetText },
        { id: 'began', header: t.began, minWidth: 170, cell: ({ startsAt }) => <Time value={startsAt} /> },
        { id: 'lasted', header: t.lasted, minWidth: 90, cell: lastedText },
        { id: 'reason', header: t.how, minWidth: 180, cell: ({ reason }) => reason ?? text.common.none },
      ]}
    />
  );
}

/** Disturbs the broker on purpose: what is under way, what was, and the form that starts a fault. */
export default function Faults({ broker }: { broker: Broker }) {
  const [isStarting, setStarting] = useState(false);
  const query = useFaults(broker.brokerId);
  if (query.isError) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  const { faults, enabled } = query.data;
  const current = faults.filter(isUnderWay);
  const isRunning = ['RUNNING', 'CRITICAL_ACTION_REQUIRED'].includes(broker.brokerState);
  const whyNot = !enabled
    ? t.disabledTitle
    : !isRunning
      ? t.notRunning(broker.brokerState)
      : current.length >= MAX_FAULTS
        ? t.tooMany
        : undefined;
  return (
    <SpaceBetween size="l">
      {enabled ? null : <Disabled />}
      <Header
        variant="h2"
        counter={current.length ? text.settings.pendingCount(current.length) : undefined}
        description={t.intro}
        actions={
          <Button
            variant="primary"
            disabled={whyNot !== undefined}
            disabledReason={whyNot}
            onClick={() => setStarting(true)}
          >
            {t.start}
          </Button>
        }
      >
        {t.underWay}
      </Header>
      {current.length ? (
        current.map((fault) => <Current key={fault.id} broker={broker} fault={fault} />)
      ) : (
        <Box color="text-body-secondary">{t.underWayNone}</Box>
      )}
      <History faults={faults.filter((fault) => !isUnderWay(fault))} />
      {isStarting ? (
        <FaultDialog
          broker={broker}
          kinds={query.data.kinds}
          instances={query.data.instances}
          onClose={() => setStarting(false)}
        />
      ) : null}
    </SpaceBetween>
  );
}
