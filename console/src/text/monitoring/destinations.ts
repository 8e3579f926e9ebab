/** Texts of queues and topics. */
export const destinations = {
  title: { RabbitMQ: 'Queues', ActiveMQ: 'Queues and topics' },
  help: 'As the broker reports them now. Refreshed every five seconds while this page is open.',
  sampled: (time: string) => `Last read at ${time}.`,
  name: 'Name',
  kind: 'Kind',
  kinds: { QUEUE: 'Queue', TOPIC: 'Topic' },
  queueTypes: { classic: 'Classic', quorum: 'Quorum', stream: 'Stream' } as Record<string, string>,
  virtualHost: 'Virtual host',
  ready: 'Ready',
  unacknowledged: 'Unacknowledged',
  consumers: 'Consumers',
  producers: 'Producers',
  publishRate: 'Published',
  deliverRate: 'Delivered',
  acknowledgeRate: 'Acknowledged',
  node: 'Node',
  find: 'Find by a part of the name',
  shown: 'Show',
  all: 'Queues and topics',
  queues: 'Queues',
  topics: 'Topics',
  anyVirtualHost: 'All virtual hosts',
  internal: 'Those of the engine, too',
  none: { RabbitMQ: 'No queues', ActiveMQ: 'No queues and topics' },
  noneHelp: 'A client declares them, or the first message makes them.',
  noMatch: 'No name contains this.',
  browse: 'Browse messages',
  publish: 'Publish',
  publishMessage: 'Publish message',
  more: 'More actions',
  purge: 'Purge',
  delete: 'Delete',
  select: 'Selection',
  selectOne: (name: string) => `Select ${name}`,
  refresh: 'Refresh the list',
  paging: 'Pages of the list',
  purgeTitle: (name: string) => `Purge ${name}?`,
  purgeLost: (engine: string, name: string, ready: number | undefined, unacknowledged: number | undefined) =>
    [
      ready === undefined
        ? `All messages that wait in ${name} are dropped.`
        : ready === 1
          ? `1 message that waits in ${name} is dropped.`
          : `${ready.toLocaleString('en')} messages that wait in ${name} are dropped.`,
      'So are those that come until then. Nobody can restore them.',
      unacknowledged
        ? `What consumers have and have not acknowledged (${unacknowledged.toLocaleString('en')}) ${
            engine === 'RabbitMQ' ? 'stays.' : 'goes, too.'
          }`
        : '',
    ]
      .filter(Boolean)
      .join(' '),
  cantPurge: "Streams and topics can't be purged.",
  purged: (name: string, count: number | undefined) =>
    count === undefined
      ? `${name} is purged.`
      : `${count.toLocaleString('en')} ${count === 1 ? 'message' : 'messages'} of ${name} are dropped.`,
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteLost: (name: string, messages: number | undefined, consumers: number | undefined) =>
    [
      `${name} is deleted`,
      messages === undefined
        ? 'with all of its messages.'
        : messages === 1
          ? 'with its 1 message.'
          : `with its ${messages.toLocaleString('en')} messages.`,
      consumers ? `${consumers} ${consumers === 1 ? 'consumer loses its' : 'consumers lose their'} subscription.` : '',
      'Nobody can restore it.',
    ]
      .filter(Boolean)
      .join(' '),
  deleted: (name: string) => `${name} is deleted.`,
  messagesOf: (name: string) => `Messages of ${name}`,
  howMany: 'At most',
  count: (count: number) => `${count} messages`,
  readAgain: 'Look again',
  notConsumed: 'Looking takes no message away: all stay where they are.',
  redeliveredHelp: 'This engine shows these messages as redelivered from now on, because somebody has looked at them.',
  noMessages: 'No message waits here.',
  topicHelp: 'A topic keeps messages only for durable subscribers that are away.',
  message: (position: number, id: string | undefined) => `${position}. ${id ?? 'Message without an identifier'}`,
  fields: {
    messageId: 'Message ID',
    correlationId: 'Correlation ID',
    timestamp: 'Sent',
    expiration: 'Ends',
    contentType: 'Content type',
    priority: 'Priority',
    persistent: 'Persistent',
    redelivered: 'Redelivered',
    size: 'Size',
  },
  properties: 'Headers and properties',
  noProperties: 'This message has none.',
  property: 'Name',
  value: 'Value',
  body: 'Body',
  bodyOf: (position: number) => `Body of message ${position}`,
  emptyBody: 'The body is empty.',
  truncated: (shown: string, size: string) => `Only the first ${shown} of ${size} are shown.`,
  bodyAs: 'Show the body as',
  asText: 'Text',
  asJson: 'JSON',
  asHex: 'Hex',
  notText: 'These bytes are no text. They are shown as hexadecimal digits.',
  copyBody: 'body',
  downloadBody: 'Download body',
  publishTo: (name: string) => `Publish a message to ${name}`,
  bodyHelp: 'At most 256 KiB.',
  encoding: 'The body is',
  encodings: { TEXT: 'Text', BASE64: 'Base64 of bytes' },
  notBase64: 'This is no base64.',
  contentType: 'Content type',
  optional: 'optional',
  persistent: 'Persistent: the message outlives a restart of the engine',
  addProperty: 'Add header',
  remove: 'Remove',
  removeProperty: (name: string) => `Remove the header ${name}`,
  type: 'Type',
  types: { text: 'Text', number: 'Number', boolean: 'True or false' },
  wrongType: { text: '', number: 'Enter a number.', boolean: 'Enter true or false.' },
  nameFaults: { EMPTY: 'Enter a name.', TWICE: 'Another header has this name.' },
  noPropertiesYet: 'The message has no headers.',
  published: (name: string) => `The message is published to ${name}.`,
  unrouted: (name: string) => `The broker took the message for ${name}, but no queue received it.`,
} as const;
