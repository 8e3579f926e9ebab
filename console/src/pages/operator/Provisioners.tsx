// Which provisioners live, and the passes on brokers that run, are due or have failed.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { useSession } from '../../api/session';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { Ago, Time } from '../../shared/Time';
import { text } from '../../text';

type Pass = Schemas['PassView'];
type Provisioner = Schemas['ProvisionerView'];

const COUNTS = ['running', 'due', 'retrying', 'scheduled'] as const;
const STATUS = { RUNNING: 'in-progress', DUE: 'pending', RETRYING: 'warning' } as const;

export function Provisioners() {
  const query = useQuery({
    queryKey: ['provisioners'],
    queryFn: () => answer(api.GET('/brokerd/v1/provisioners')),
    refetchInterval: 5_000,
  });
  if (query.isPending) return <Loading />;
  if (!query.data) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const { provisioners, passCounts, passes } = query.data;
  const omitted = passCounts.running + passCounts.due + passCounts.retrying - passes.length;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description={text.operator.provisionersIntro}>
            {text.operator.provisioners}
          </Header>
        }
      >
        {provisioners.length ? (
          <List provisioners={provisioners} />
        ) : (
          <Alert type="error">{text.operator.noProvisioners}</Alert>
        )}
      </Container>
      <Container
        header={
          <Header variant="h2" description={text.operator.passesIntro}>
            {text.operator.passes}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <KeyValuePairs
            columns={4}
            items={COUNTS.map((name) => ({ label: text.operator.passCounts[name], value: passCounts[name] }))}
          />
          <Passes passes={passes} />
          {omitted > 0 ? <Box color="text-body-secondary">{text.operator.passesOmitted(omitted)}</Box> : null}
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

function List({ provisioners }: { provisioners: Provisioner[] }) {
  return (
    <Table
      variant="embedded"
      wrapLines
      trackBy="provisionerId"
      items={provisioners}
      ariaLabels={{ tableLabel: text.operator.provisioners }}
      columnDefinitions={[
        {
          id: 'id',
          header: text.operator.provisioner,
          cell: ({ provisionerId }) => <Box variant="code">{provisionerId}</Box>,
          isRowHeader: true,
        },
        {
          id: 'state',
          header: text.operator.provisionerState,
          cell: ({ state }) =>
            state === 'ALIVE' ? (
              <StatusIndicator type="success">{text.operator.alive}</StatusIndicator>
            ) : (
              <StatusIndicator type="error">{text.operator.dead}</StatusIndicator>
            ),
        },
        { id: 'seen', header: text.operator.seen, cell: ({ seen }) => <Ago value={seen} /> },
        { id: 'brokers', header: text.operator.watched, cell: ({ brokers }) => brokers },
        { id: 'passes', header: text.operator.runs, cell: ({ runningPasses }) => runningPasses },
      ]}
    />
  );
}

function Passes({ passes }: { passes: Pass[] }) {
  return (
    <Table
      variant="embedded"
      wrapLines
      trackBy="brokerId"
      items={passes}
      empty={text.operator.noPasses}
      ariaLabels={{ tableLabel: text.operator.passes }}
      columnDefinitions={[
        {
          id: 'broker',
          header: text.operator.passBroker,
          cell: (pass) => <BrokerOf pass={pass} />,
          isRowHeader: true,
        },
        {
          id: 'account',
          header: text.operator.passAccount,
          cell: ({ accountId, region }) => `${accountId} · ${region}`,
        },
        {
          id: 'state',
          header: text.operator.provisionerState,
          cell: ({ state, lane }) => (
            <StatusIndicator type={STATUS[state as keyof typeof STATUS]}>
              {text.operator.passState[state]} ({text.operator.passLane[lane]})
            </StatusIndicator>
          ),
        },
        { id: 'due', header: text.operator.passDue, cell: ({ due }) => <Time value={due} /> },
        { id: 'failed', header: text.operator.passFailed, cell: ({ failedAttempts }) => failedAttempts },
      ]}
    />
  );
}

/** The broker's page is that of the account and region that are signed in to. */
function BrokerOf({ pass }: { pass: Pass }) {
  const session = useSession();
  if (pass.accountId !== session.accountId || pass.region !== session.region) return <>{pass.brokerName}</>;
  return <RouterLink href={`/brokers/${pass.brokerId}`}>{pass.brokerName}</RouterLink>;
}
