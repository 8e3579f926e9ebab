// Programs that connect to a broker, filled in for it: a whole one for each client.
import { goAmqp, amqpNetLite, goStomp } from './activemq-compiled';
import { openwire, qpidJms, springBoot } from './activemq-java';
import { mosquitto, mqttJs, pahoPython, proton, rhea, rubyStomp, stompJs, stompPy } from './activemq-script';
import { dotnet, goAmqp091, javaClient, lapin, protonOfRabbit, springAmqp } from './rabbitmq-compiled';
import { aioPika, amqplib, bunny, managementApi, phpAmqplib, pika, rabbitmqadmin } from './rabbitmq-script';
import type { Snippet, Target } from './types';

export { preparation } from './preparation';
export type { File, Language, Snippet, Target } from './types';

const ACTIVEMQ = [
  openwire,
  qpidJms,
  springBoot,
  stompPy,
  proton,
  pahoPython,
  rhea,
  mqttJs,
  goAmqp,
  goStomp,
  amqpNetLite,
  rubyStomp,
  mosquitto,
  stompJs,
];
const RABBITMQ = [
  javaClient,
  springAmqp,
  pika,
  aioPika,
  protonOfRabbit,
  amqplib,
  goAmqp091,
  dotnet,
  lapin,
  bunny,
  phpAmqplib,
  managementApi,
  rabbitmqadmin,
];

/** RabbitMQ speaks AMQP 1.0 without a plugin from version 4 on. */
const speaksAmqp10 = (version: string) => Number(version.split('.')[0]) >= 4;

/** The programs for a broker; none until it has its endpoints. */
export function snippets(target: Target): Snippet[] {
  const isThere = (protocol: string) => target.endpoints.some((endpoint) => endpoint.protocol === protocol);
  if (target.engine === 'ActiveMQ') return isThere('openwire') ? ACTIVEMQ.map((one) => one(target)) : [];
  if (!isThere('amqp091')) return [];
  return RABBITMQ.filter((one) => one !== protonOfRabbit || speaksAmqp10(target.version)).map((one) => one(target));
}
