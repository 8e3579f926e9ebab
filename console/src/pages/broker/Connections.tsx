// How clients reach a broker: consoles, endpoints, certificates, programs, and a message that proves it.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import type { Schemas } from '../../api/client';
import { useSession } from '../../api/session';
import { type Endpoint, endpointsFor, endpointsOf, failoverUrl } from '../../model/endpoints';
import { AUTHORITY_PATH, CA_FILE } from '../../model/snippets/types';
import { CopyText } from '../../shared/CopyText';
import { text } from '../../text';
import { Code } from './Code';
import { TestMessage } from './TestMessage';
import { useDrawer } from './useDrawer';

type Broker = Schemas['DescribeBrokerResponse'];

const { connections } = text.broker;

export default function Connections({ broker }: { broker: Broker }) {
  const [drawer, connect] = useDrawer(broker);
  return (
    <SpaceBetween size="l">
      <Endpoints broker={broker} onConnect={connect} />
      <Consoles broker={broker} />
      <TestMessage broker={broker} />
      <Authority />
      {drawer}
    </SpaceBetween>
  );
}

function protocolOf(endpoint: Endpoint, broker: Broker): string {
  // RabbitMQ speaks AMQP 1.0 at the same endpoint from version 4 on.
  const isBoth = endpoint.protocol === 'amqp091' && Number.parseInt(broker.engineVersion, 10) >= 4;
  const protocol = connections.protocols[isBoth ? 'amqpBoth' : endpoint.protocol];
  return endpoint.protocol === 'metrics' ? `${protocol} (${connections.node(endpoint.instance)})` : protocol;
}

function Endpoints({ broker, onConnect }: { broker: Broker; onConnect: () => void }) {
  const endpoints = endpointsOf(broker);
  const hasInstances = broker.brokerInstances.length > 1;
  const openwire = endpointsFor(broker, 'openwire').map(({ url }) => url);
  return (
    <Table
      wrapLines
      header={
        <Header
          variant="h2"
          description={connections.endpointsHelp}
          actions={
            <Button onClick={onConnect} disabled={!endpoints.length}>
              {connections.connect}
            </Button>
          }
        >
          {connections.endpoints}
        </Header>
      }
      items={endpoints}
      trackBy="url"
      empty={<Box textAlign="center">{connections.none}</Box>}
      columnDefinitions={[
        {
          id: 'protocol',
          header: connections.protocol,
          cell: (endpoint: Endpoint) => protocolOf(endpoint, broker),
          isRowHeader: true,
          minWidth: 110,
        },
        ...(hasInstances
          ? [{ id: 'instance', header: connections.instance, cell: (one: Endpoint) => one.instance, minWidth: 80 }]
          : []),
        {
          id: 'address',
          header: connections.address,
          minWidth: 200,
          cell: (endpoint: Endpoint) => (
            <CopyText value={endpoint.url} label={`${protocolOf(endpoint, broker)} ${endpoint.instance}`} />
          ),
        },
      ]}
      footer={
        openwire.length > 1 ? (
          <KeyValuePairs
            items={[
              {
                label: connections.failover,
                info: (
                  <Box color="text-body-secondary" fontSize="body-s" display="inline">
                    {connections.failoverHelp}
                  </Box>
                ),
                value: <CopyText value={failoverUrl(openwire)} label={connections.failover} />,
              },
            ]}
          />
        ) : undefined
      }
    />
  );
}

function Consoles({ broker }: { broker: Broker }) {
  const consoles = broker.brokerInstances.flatMap(({ consoleURL }, at) =>
    consoleURL ? [{ consoleURL, at: at + 1 }] : [],
  );
  const isPair = consoles.length > 1;
  return (
    <Container
      header={
        <Header variant="h2" description={connections.consolesHelp}>
          {connections.consoles}
        </Header>
      }
    >
      <SpaceBetween size="s">
        {consoles.length ? (
          <KeyValuePairs
            columns={consoles.length}
            minColumnWidth={250}
            items={consoles.map(({ consoleURL, at }) => ({
              label: isPair ? connections.consoleOf(at) : connections.console,
              // On its own origin and in a tab of its own: the engine's cookies and scripts stay there.
              value: (
                <Link href={consoleURL} external externalIconAriaLabel={text.common.newTab} rel="noopener noreferrer">
                  {consoleURL}
                </Link>
              ),
            }))}
          />
        ) : (
          <Box color="text-body-secondary">{connections.none}</Box>
        )}
        {isPair ? <Box color="text-body-secondary">{connections.onlyActive}</Box> : null}
      </SpaceBetween>
    </Container>
  );
}

function Authority() {
  const { apiUrl } = useSession();
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={connections.authorityHelp}
          actions={
            <Button iconName="download" href={AUTHORITY_PATH} download={CA_FILE}>
              {connections.download}
            </Button>
          }
        >
          {connections.authority}
        </Header>
      }
    >
      <Code
        label={connections.command}
        language="shell"
        text={`curl -fsS -o ${CA_FILE} ${apiUrl}${AUTHORITY_PATH}\n`}
      />
    </Container>
  );
}
