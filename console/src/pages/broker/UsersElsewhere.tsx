// RabbitMQ manages its users itself: where, and how.
import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../api/client';
import { userCommand } from '../../model/snippets/users';
import { text } from '../../text';
import { Code } from './Code';

const { users } = text.broker;

export function UsersElsewhere({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  const console = broker.brokerInstances[0]?.consoleURL;
  return (
    <Container header={<Header variant="h2">{users.title}</Header>}>
      <SpaceBetween size="m">
        <Alert type="info" header={users.rabbitmq}>
          {users.rabbitmqHelp}
        </Alert>
        {console ? (
          <>
            <Link
              href={`${console}/#/users`}
              external
              externalIconAriaLabel={text.common.newTab}
              rel="noopener noreferrer"
            >
              {users.rabbitmqConsole}
            </Link>
            <Code label={users.rabbitmqCommand} language="shell" text={userCommand(console)} />
          </>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}
