import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import {
  CHOICES,
  costOf,
  countOf,
  csvOf,
  type Estimate,
  estimateQuery,
  fittedLine,
  hostsOf,
  type Line,
  linesOf,
  REGIONS,
  SAMPLE,
  SAMPLE_REGION,
  searchOf,
  totalOf,
} from './calculator';

const ESTIMATE: Estimate = {
  currency: 'USD',
  region: 'us-east-1',
  hours: '730',
  instances: { hostInstanceType: 'mq.m5.large', count: 1, hourlyPrice: { amount: '0.288' }, cost: '210.24' },
  storage: { storageType: 'EBS', gb: '10', disks: 1, monthlyPrice: { amount: '0.1' }, cost: '1' },
  total: '211.24',
  missing: [],
};

test('without anything in the address the service’s own sample is shown', () => {
  assert.deepEqual(linesOf(''), { region: SAMPLE_REGION, lines: [SAMPLE] });
  assert.equal(searchOf(SAMPLE_REGION, [SAMPLE]), '');
});

test('an address brings back the lines that made it', () => {
  const cluster: Line = {
    ...SAMPLE,
    engineType: 'RABBITMQ',
    deploymentMode: 'CLUSTER_MULTI_AZ',
    hostInstanceType: 'mq.m7g.2xlarge',
    storageGb: '1.5',
    count: '3',
  };
  const odd: Line = { ...SAMPLE, storageGb: '&=a b%#?', hours: '' };
  for (const lines of [[cluster], [SAMPLE, cluster], [cluster, cluster], [odd]]) {
    for (const region of [SAMPLE_REGION, 'eu-central-1', 'a b&c']) {
      assert.deepEqual(linesOf(searchOf(region, lines)), { region, lines });
    }
  }
  assert.equal(
    searchOf('eu-central-1', [cluster]),
    'region=eu-central-1&broker=RABBITMQ,CLUSTER_MULTI_AZ,mq.m7g.2xlarge,EBS,1.5,730,3',
  );
  assert.equal(searchOf('eu-central-1', [SAMPLE]), 'region=eu-central-1');
});

test('an address that nobody made gives lines that can be', () => {
  const { lines } = linesOf('?broker=KAFKA,TRIPLE,mq.huge,TAPE,x&broker=RABBITMQ');
  assert.deepEqual(lines, [
    { ...SAMPLE, storageType: 'EFS', storageGb: 'x' },
    { ...SAMPLE, engineType: 'RABBITMQ' },
  ]);
  assert.equal(linesOf(`?${'broker=RABBITMQ&'.repeat(100)}`).lines.length, 20);
});

test('a choice that does not fit is replaced', () => {
  const pair = fittedLine({ ...SAMPLE, deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' });
  assert.deepEqual([pair.storageType, pair.hostInstanceType], ['EFS', 'mq.m5.large']);
  assert.ok(hostsOf(pair).includes('mq.t3.micro'));
  const rabbit = fittedLine({ ...pair, engineType: 'RABBITMQ', hostInstanceType: 'mq.t3.micro' });
  assert.deepEqual(
    [rabbit.deploymentMode, rabbit.storageType, rabbit.hostInstanceType],
    ['SINGLE_INSTANCE', 'EBS', 'mq.m5.large'],
  );
});

test('every instance type that can be chosen has a price, and the other way round', () => {
  const prices = readFileSync('../domain/data/prices.toml', 'utf8');
  for (const engine of ['activemq', 'rabbitmq']) {
    const section = prices.split(`.${engine}.instance_hour]`)[1]?.split('[')[0] ?? '';
    const priced = [...section.matchAll(/"(mq\.[^"]+)"/g)].map(([, name]) => name);
    const rows = CHOICES.filter(({ engineType }) => engineType === engine.toUpperCase());
    const offered = new Set(rows.map(({ hostInstanceType }) => hostInstanceType));
    assert.deepEqual([...offered].sort(), priced.sort(), engine);
  }
});

test('the regions are those of the server', () => {
  const source = readFileSync('../domain/src/kernel/region.rs', 'utf8');
  assert.deepEqual(
    REGIONS,
    [...source.matchAll(/^ {4}"([a-z0-9-]+)",$/gm)].map(([, name]) => name),
  );
});

test('the server is asked for one broker', () => {
  assert.equal(
    estimateQuery({ ...SAMPLE, count: '7' }, 'us-east-1'),
    'engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m5.large&storageType=EBS&storageGb=10' +
      '&hours=730&region=us-east-1',
  );
});

test('lines cost what one broker costs, as often as there are brokers', () => {
  assert.equal(costOf({ ...SAMPLE, count: '3' }, ESTIMATE), '633.72');
  assert.equal(costOf(SAMPLE, undefined), undefined);
  assert.equal(costOf(SAMPLE, { ...ESTIMATE, total: undefined as never }), undefined);
  for (const count of ['', '0', '-1', '1.5', 'x', '10001', '1e3']) {
    assert.equal(countOf({ ...SAMPLE, count }), undefined, count);
    assert.equal(costOf({ ...SAMPLE, count }, ESTIMATE), undefined);
  }
  assert.equal(totalOf(['211.24', '633.72']), '844.96');
  assert.equal(totalOf(['211.24', undefined]), undefined);
});

test('the CSV has a row for each line, and no formulas', () => {
  const odd: Line = { ...SAMPLE, storageGb: '=1+1', hours: 'a,"b"' };
  assert.equal(
    csvOf([{ ...SAMPLE, count: '3' }, odd], [ESTIMATE, undefined], 'us-east-1'),
    'engineType,deploymentMode,hostInstanceType,storageType,storageGb,hours,region,instances,hourlyPrice,' +
      'instanceCost,storageMonthlyPrice,storageCost,costPerBroker,brokers,cost,currency\r\n' +
      'ACTIVEMQ,SINGLE_INSTANCE,mq.m5.large,EBS,10,730,us-east-1,1,0.288,210.24,0.1,1,211.24,3,633.72,USD\r\n' +
      'ACTIVEMQ,SINGLE_INSTANCE,mq.m5.large,EBS,\'=1+1,"a,""b""",us-east-1,,,,,,,1,,\r\n',
  );
});
