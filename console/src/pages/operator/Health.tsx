// How brokerd itself is, as far as it tells without a look at its log or metrics.
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { json } from '../../api/client';
import { useSession } from '../../api/session';
import { CopyText } from '../../shared/CopyText';
import { Time } from '../../shared/Time';
import { text } from '../../text';
import { Provisioners } from './Provisioners';

const ASKED_MS = 5_000;

/** Asks one of the questions about health. The error is the reason. */
function useHealth(path: '/health/live' | '/health/ready') {
  return useQuery({
    queryKey: [path],
    queryFn: () => json<{ status: string }>('GET', path),
    refetchInterval: ASKED_MS,
    // What is wrong is shown at once, and the next answer comes soon.
    retry: false,
    networkMode: 'always',
  });
}

export function Health() {
  const session = useSession();
  const live = useHealth('/health/live');
  const ready = useHealth('/health/ready');
  const asked = Math.max(ready.dataUpdatedAt, ready.errorUpdatedAt);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description={text.operator.healthIntro}>
            {text.operator.health}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <div aria-live="polite">
            <KeyValuePairs
              columns={3}
              items={[
                {
                  label: text.operator.live,
                  value: <State of={live} yes={text.operator.liveYes} no={text.operator.liveNo} />,
                },
                {
                  label: text.operator.ready,
                  value: <State of={ready} yes={text.operator.readyYes} no={text.operator.readyNo} />,
                },
                { label: text.operator.asked, value: asked ? <Time value={asked} /> : text.common.none },
              ]}
            />
          </div>
          <Box color="text-body-secondary">{text.operator.readyHelp}</Box>
          <KeyValuePairs
            columns={3}
            items={[
              { label: text.operator.build, value: session.version },
              {
                label: text.operator.apiUrl,
                value: <CopyText value={session.apiUrl} label={text.operator.apiUrl} />,
              },
              { label: text.operator.regions, value: session.regions.join(', ') },
            ]}
          />
        </SpaceBetween>
      </Container>
      <Provisioners />
      <Container
        header={
          <Header variant="h2" description={text.operator.metricsHelp}>
            {text.operator.metrics}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <Box variant="code">
            <CopyText value={text.operator.metricsCommand} label={text.operator.metrics} />
          </Box>
          <Table
            variant="embedded"
            wrapLines
            items={text.operator.alerts}
            header={<Header variant="h3">{text.operator.alertsTitle}</Header>}
            ariaLabels={{ tableLabel: text.operator.alertsTitle }}
            columnDefinitions={[
              {
                id: 'metric',
                header: text.operator.metric,
                cell: ([metric]) => <Box variant="code">{metric}</Box>,
                isRowHeader: true,
              },
              { id: 'alert', header: text.operator.alert, cell: ([, alert]) => alert },
            ]}
          />
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

interface StateProps {
  of: { isPending: boolean; isError: boolean; error: Error | null };
  yes: string;
  no: string;
}

function State({ of: { isPending, isError, error }, yes, no }: StateProps) {
  if (isPending) return <StatusIndicator type="loading">{text.common.loading}</StatusIndicator>;
  if (!isError) return <StatusIndicator type="success">{yes}</StatusIndicator>;
  return (
    <>
      <StatusIndicator type="error">{no}</StatusIndicator>
      <Box>{error?.message}</Box>
    </>
  );
}
