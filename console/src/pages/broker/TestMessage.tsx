// A message that the server sends through the broker's real endpoint and receives again.
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { answer, api, type Schemas } from '../../api/client';
import { duration } from '../../model/time';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';

const { test } = text.broker;
const SERVING = ['RUNNING', 'CRITICAL_ACTION_REQUIRED'];

export function TestMessage({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  const sent = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/brokerd/v1/brokers/{broker-id}/test-message', {
          params: { path: { 'broker-id': broker.brokerId } },
          body: {},
        }),
      ),
  });
  const isServing = SERVING.includes(broker.brokerState);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={test.help}
          actions={
            <Button
              onClick={() => sent.mutate()}
              loading={sent.isPending}
              disabled={!isServing}
              {...(isServing ? {} : { disabledReason: test.notRunning })}
            >
              {test.send}
            </Button>
          }
        >
          {test.title}
        </Header>
      }
    >
      <div role="status">
        {sent.isError ? (
          <SpaceBetween size="s">
            <Problem error={sent.error} />
          </SpaceBetween>
        ) : null}
        {sent.data && !sent.isPending ? <Measured result={sent.data} /> : null}
      </div>
    </Container>
  );
}

function Measured({ result }: { result: Schemas['SendTestMessageResponse'] }) {
  return (
    <SpaceBetween size="m">
      <Alert type="success" i18nStrings={{ successIconAriaLabel: text.broker.icons['success'] }}>
        {test.done(duration(result.totalMillis))}
      </Alert>
      <KeyValuePairs
        columns={4}
        items={[
          { label: test.connect, value: duration(result.connectMillis) },
          { label: test.publish, value: duration(result.publishMillis) },
          { label: test.deliver, value: duration(result.deliverMillis) },
          { label: test.endpoint, value: `${result.endpoint} (${result.protocol})` },
        ]}
      />
    </SpaceBetween>
  );
}
