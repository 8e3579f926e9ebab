// The memory of the host, and who has it.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { share, size } from '../../model/quota';
import { duration } from '../../model/time';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { keys } from '../../shell/live';
import { text } from '../../text';

type Host = NonNullable<Schemas['DescribeCapacityResponse']['host']>;

export function Capacity() {
  const query = useQuery({
    // Brokers take and give memory, so their events make this stale, too.
    queryKey: [keys.brokers, 'capacity'],
    queryFn: () => answer(api.GET('/brokerd/v1/capacity')),
    refetchInterval: 15_000,
  });
  if (query.isPending) return <Loading />;
  if (!query.data) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const { host, scale, waitSeconds, ...own } = query.data;
  return (
    <SpaceBetween size="l">
      {host ? <OfHost host={host} waitSeconds={waitSeconds} /> : null}
      <Container header={<Header variant="h2">{text.operator.ownPart}</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: text.operator.granted, value: size(own.reservedMemoryBytes) },
            { label: text.operator.waitedFor, value: size(own.waitingMemoryBytes) },
            {
              label: text.operator.scale,
              value: (
                <>
                  {scale}
                  <Box color="text-body-secondary" fontSize="body-s">
                    {text.operator.scaleHelp}
                  </Box>
                </>
              ),
            },
            { label: text.operator.patience, value: duration(waitSeconds * 1000) },
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}

function OfHost({ host, waitSeconds }: { host: Host; waitSeconds: number }) {
  const { usableMemoryBytes: usable, reservedMemoryBytes: granted, waitingBrokers: waiting } = host;
  const percent = share(granted, usable) ?? 0;
  return (
    <Container
      header={
        <Header variant="h2" description={text.operator.capacityIntro}>
          {text.operator.capacity}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {granted > usable ? <Alert type="warning">{text.operator.over}</Alert> : null}
        {waiting ? <Alert type="info">{text.operator.waits(waiting, duration(waitSeconds * 1000))}</Alert> : null}
        <ProgressBar
          value={percent}
          label={text.operator.granting}
          additionalInfo={text.operator.used(size(granted), size(usable))}
        />
        <KeyValuePairs
          columns={4}
          items={[
            { label: text.operator.usable, value: size(usable) },
            { label: text.operator.free, value: size(Math.max(0, usable - granted)) },
            { label: text.operator.waitedFor, value: size(host.waitingMemoryBytes) },
            {
              label: text.operator.waiting,
              value: waiting ? (
                <StatusIndicator type="pending">{waiting}</StatusIndicator>
              ) : (
                <StatusIndicator type="success">{text.operator.noneWaits}</StatusIndicator>
              ),
            },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
