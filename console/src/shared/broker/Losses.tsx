// What is lost when a broker is deleted, and what stays.
import Box from '@cloudscape-design/components/box';
import type { Schemas } from '../../api/client';
import { text } from '../../text';

type Broker = Schemas['DescribeBrokerResponse'];
const { remove } = text.broker;

/** What is lost with the broker. */
export function Lost({ broker }: { broker: Broker }) {
  return <Sentences title={remove.lostHeader} sentences={lostOf(broker)} />;
}

/** What stays when the broker is deleted. `names` are those of configurations by their identifiers. */
export function Stays({ broker, names }: { broker: Broker; names: Map<string, string> }) {
  return <Sentences title={remove.staysHeader} sentences={staysOf(broker, names)} />;
}

function Sentences({ title, sentences }: { title: string; sentences: string[] }) {
  return (
    <div>
      <Box variant="h3">{title}</Box>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}

function lostOf(broker: Broker): string[] {
  const { lost } = remove;
  const tags = Object.keys(broker.tags).length;
  return [
    lost.messages,
    broker.engineType === 'RabbitMQ' ? lost.usersRabbit : lost.users(broker.users.length),
    lost.endpoints,
    lost.events,
    ...(tags ? [lost.tags(tags)] : []),
  ];
}

function staysOf(broker: Broker, names: Map<string, string>): string[] {
  const { stays } = remove;
  const { general, audit, generalLogGroup, auditLogGroup } = broker.logs;
  const groups = [general ? generalLogGroup : undefined, audit ? auditLogGroup : undefined].filter(Boolean);
  const configuration = broker.configurations.current;
  return [
    groups.length ? stays.logs(groups.join(', ')) : stays.logsOff,
    ...(configuration ? [stays.configuration(names.get(configuration.id) ?? configuration.id)] : []),
    ...(broker.securityGroups.length ? [stays.groups] : []),
    stays.metrics,
    stays.audit,
    stays.name(broker.brokerName),
  ];
}
