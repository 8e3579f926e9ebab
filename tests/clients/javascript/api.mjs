// The API with the AWS SDK for JavaScript; what is read and written is in ../PROTOCOL.md.
import { createInterface } from "node:readline";
import * as mq from "@aws-sdk/client-mq";

const withoutMetadata = ({ $metadata, ...answer }) => answer;

function clientFor({ endpoint, region, key, secret }) {
  const credentials = { accessKeyId: key, secretAccessKey: secret };
  const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000 };
  return new mq.MqClient({ endpoint, region, credentials, maxAttempts: 1, requestHandler });
}

async function perform(client, { operation, parameters = {}, page_size: pageSize }) {
  if (pageSize !== undefined) {
    const paginate = mq[`paginate${operation}`];
    if (!paginate) return { unknown: `no paginate${operation}` };
    const pages = [];
    for await (const page of paginate({ client, pageSize }, parameters)) pages.push(withoutMetadata(page));
    return { ok: pages };
  }
  const Command = mq[`${operation}Command`];
  if (!Command) return { unknown: `no ${operation}Command` };
  return { ok: withoutMetadata(await client.send(new Command(parameters))) };
}

function failure(error) {
  const Modelled = mq[error.name];
  return {
    error: {
      class: error.constructor.name,
      modelled: Modelled !== undefined && error instanceof Modelled && error instanceof mq.MqServiceException,
      code: error.name,
      message: error.message,
      attribute: error.ErrorAttribute ?? null,
      status: error.$metadata?.httpStatusCode ?? null,
    },
  };
}

let client;
for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  if (!client) {
    client = clientFor(said);
    continue;
  }
  const answer = await perform(client, said).catch(failure);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
