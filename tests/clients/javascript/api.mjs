// The API with the AWS SDK for JavaScript; what is read and written is in ../PROTOCOL.md.
import { createInterface } from "node:readline";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as mq from "@aws-sdk/client-mq";

const withoutMetadata = ({ $metadata, ...answer }) => answer;

const services = { mq, cloudwatch };

function clientsFor({ endpoint, region, key, secret }) {
  const credentials = { accessKeyId: key, secretAccessKey: secret };
  const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000 };
  const settings = { endpoint, region, credentials, maxAttempts: 1, requestHandler };
  return { mq: new mq.MqClient(settings), cloudwatch: new cloudwatch.CloudWatchClient(settings) };
}

// Times are ISO 8601 on the way here and dates for the SDK.
const isTime = (name, value) => name.endsWith("Time") && typeof value === "string";
const withDates = (parameters) =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, isTime(name, value) ? new Date(value) : value]),
  );

async function perform(clients, { service = "mq", operation, parameters = {}, page_size: pageSize }) {
  const client = clients[service];
  const sdk = services[service];
  if (pageSize !== undefined) {
    const paginate = sdk[`paginate${operation}`];
    if (!paginate) return { unknown: `no paginate${operation}` };
    const pages = [];
    for await (const page of paginate({ client, pageSize }, parameters)) pages.push(withoutMetadata(page));
    return { ok: pages };
  }
  const Command = sdk[`${operation}Command`];
  if (!Command) return { unknown: `no ${operation}Command` };
  return { ok: withoutMetadata(await client.send(new Command(withDates(parameters)))) };
}

const isOfService = (error) =>
  error instanceof mq.MqServiceException || error instanceof cloudwatch.CloudWatchServiceException;

function failure(error) {
  const Modelled = mq[error.name] ?? cloudwatch[error.name];
  return {
    error: {
      class: error.constructor.name,
      modelled: Modelled !== undefined && error instanceof Modelled && isOfService(error),
      code: error.name,
      message: error.message,
      attribute: error.ErrorAttribute ?? null,
      status: error.$metadata?.httpStatusCode ?? null,
    },
  };
}

let clients;
for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  if (!clients) {
    clients = clientsFor(said);
    continue;
  }
  const answer = await perform(clients, said).catch(failure);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
