// How clients reach a broker: endpoints, consoles, certificates, programs, test messages.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ACTIVEMQ_ID,
  activemq,
  activemqInside,
  answersOf,
  RABBITMQ_ID,
  rabbitmq,
  rabbitmqInside,
} from './support/brokers.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer } from './support/index.mjs';

const copied = (page) => page.evaluate(() => navigator.clipboard.readText());

for (const width of [1280, 390]) {
  test(`endpoints of a pair can be copied, one by one and as a failover URL, at ${width} px`, async () => {
    const server = await startServer(answersOf(activemq, activemqInside));
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/connections`, { width });
    await page.getByRole('button', { name: 'Copy: STOMP 2' }).click();
    assert.equal(await copied(page), 'stomp+ssl://172.17.0.1:27508');
    await page.getByRole('button', { name: 'Copy: Failover URL' }).click();
    assert.equal(await copied(page), 'failover:(ssl://172.17.0.1:27500,ssl://172.17.0.1:27506)');
    const console = page.getByRole('link', { name: /https:\/\/172\.17\.0\.1:27511/ });
    assert.equal(await console.getAttribute('target'), '_blank');
    assert.match(await console.getAttribute('rel'), /noopener/);
    const authority = page.getByRole('link', { name: 'Download brokerd-ca.pem' });
    assert.equal(await authority.getAttribute('href'), '/brokerd/v1/ca.pem');
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `broker-connections-${width}`, { full: true });
  });

  test(`a program for a client is filled in for the broker and the user, at ${width} px`, async () => {
    const server = await startServer(answersOf(activemq, activemqInside));
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('heading', { name: 'Connect to events' }).waitFor();
    await page.getByText('new ActiveMQSslConnectionFactory(', { exact: false }).waitFor();
    await page.getByText('keytool -importcert', { exact: false }).waitFor();
    await screenshot(page, `broker-connect-${width}`);
    await page.getByRole('button', { name: /^Client/ }).click();
    await page.getByRole('option', { name: /stomp\.py/ }).click();
    await page.getByLabel('User name').fill('carol');
    await page.getByRole('button', { name: 'Copy: File hello.py' }).click();
    const program = await copied(page);
    assert.match(program, /BROKERS = \[\("172\.17\.0\.1", 27502\), \("172\.17\.0\.1", 27508\)\]/);
    assert.match(program, /connect\("carol", os\.environ/);
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `broker-connect-stomp-${width}`);
    // The client is remembered, and the focus comes back to where it was.
    await page.getByRole('region', { name: 'Connect to events' }).getByLabel('Close').click();
    await page.getByRole('heading', { name: 'Connect to events' }).waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Connect');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copy: File hello.py' }).waitFor();
  });

  test(`a test message tells its latencies, and why it failed, at ${width} px`, async () => {
    const answers = [
      refused(503, 'ServiceUnavailableException', 'The endpoint does not answer: connection refused'),
      {
        body: {
          endpoint: 'amqps://172.17.0.1:27512',
          protocol: 'AMQP 0-9-1',
          connectMillis: 31.4,
          publishMillis: 4.2,
          deliverMillis: 2.1,
          totalMillis: 37.7,
        },
      },
    ];
    const server = await startServer({
      ...answersOf(rabbitmq, rabbitmqInside),
      'POST /brokerd/v1/brokers/{broker-id}/test-message': () => answers.shift(),
    });
    const page = await openPage(server, `/brokers/${RABBITMQ_ID}/connections`, { width });
    await page.getByText('AMQP 0-9-1 and 1.0').waitFor();
    await page.getByText('Prometheus metrics (node 1)').waitFor();
    await page.getByRole('button', { name: 'Send a test message' }).click();
    await page.getByText('The endpoint does not answer: connection refused', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Send a test message' }).click();
    await page.getByText('The message came back after 38 ms').waitFor();
    await page.getByText('31 ms').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `broker-test-message-${width}`, { full: true });
    const call = server.calls.find(({ path }) => path.endsWith('/test-message'));
    assert.deepEqual(call.body, {});
  });
}

test('RabbitMQ has programs of its own', async () => {
  const server = await startServer(answersOf(rabbitmq, rabbitmqInside));
  const page = await openPage(server, `/brokers/${RABBITMQ_ID}/connections`);
  await page.getByRole('button', { name: 'Connect a program' }).click();
  await page.getByRole('button', { name: /^Client/ }).click();
  const options = await page.getByRole('option').count();
  assert.ok(options >= 10, `${options} clients`);
  await page.getByRole('option', { name: /pika/ }).first().click();
  await page.getByText('pika.BlockingConnection(parameters)', { exact: false }).waitFor();
});

test('a broker without addresses says when its endpoints come', async () => {
  const broker = () => activemq({ brokerInstances: [], brokerState: 'CREATION_IN_PROGRESS' });
  const server = await startServer(answersOf(broker, activemqInside));
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/connections`);
  await page.getByText('The endpoints are shown as soon as the broker has its addresses.').first().waitFor();
  assert.ok(await page.getByRole('button', { name: 'Connect', exact: true }).isDisabled());
  await checkAccessibility(page);
});
