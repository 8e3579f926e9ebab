// The lines of the calculator: what brokers cost that nobody has yet, kept in the page's address.
import type { Engine, Mode, Storage } from './create/draft';
import { type InstanceOption, modes, storages } from './create/options';
import { bySize, INSTANCE_TYPES } from './instance-types';
import { sum, times } from './money';

/** Some brokers that are alike. */
export interface Line {
  engineType: Engine;
  deploymentMode: Mode;
  hostInstanceType: string;
  storageType: Storage;
  /** Gigabytes that are stored on average, of a cluster on each node. */
  storageGb: string;
  /** The time that they exist, in hours; a month has 730. */
  hours: string;
  /** How many there are. */
  count: string;
}

/** What the server answers for one broker, as far as it is needed here. Amounts are decimal numbers in text. */
export interface Estimate {
  currency: string;
  region: string;
  hours: string;
  instances: { hostInstanceType: string; count: number; hourlyPrice?: { amount: string }; cost?: string };
  storage: { storageType: string; gb: string; disks: number; monthlyPrice?: { amount: string }; cost?: string };
  total?: string;
  missing: string[];
}

/** The sample of the service's own pricing page: 211.24 USD. */
export const SAMPLE: Line = {
  engineType: 'ACTIVEMQ',
  deploymentMode: 'SINGLE_INSTANCE',
  hostInstanceType: 'mq.m5.large',
  storageType: 'EBS',
  storageGb: '10',
  hours: '730',
  count: '1',
};
/** The region of that sample. */
export const SAMPLE_REGION = 'us-east-1';
/** The regions that have Amazon MQ. Source: domain/src/kernel/region.rs. */
export const REGIONS: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
];
export const MAX_LINES = 20;
const MAX_BROKERS = 10_000;

/** What runs on which instance types, whatever is installed here. Source: domain/src/catalogue/instance_type.rs. */
export const CHOICES: InstanceOption[] = INSTANCE_TYPES.flatMap(({ name }) => {
  const row = (engineType: Engine, storageType: string, supportedDeploymentModes: Mode[]): InstanceOption => ({
    engineType,
    hostInstanceType: name,
    storageType,
    supportedDeploymentModes,
    supportedEngineVersions: [],
  });
  const pair = row('ACTIVEMQ', 'efs', ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ']);
  const cluster = row('RABBITMQ', 'ebs', ['SINGLE_INSTANCE', 'CLUSTER_MULTI_AZ']);
  if (name.startsWith('mq.t3.')) return [pair];
  if (name.startsWith('mq.m5.')) return [pair, row('ACTIVEMQ', 'ebs', ['SINGLE_INSTANCE']), cluster];
  return [cluster];
});

/** The instance types of a line's engine, mode and storage. */
export function hostsOf({ engineType, deploymentMode, storageType }: Line): string[] {
  return CHOICES.filter(
    (choice) =>
      choice.engineType === engineType &&
      choice.storageType.toUpperCase() === storageType &&
      choice.supportedDeploymentModes.includes(deploymentMode),
  )
    .map((choice) => choice.hostInstanceType)
    .sort(bySize);
}

/** The line with choices that go together. */
export function fittedLine(line: Line): Line {
  const next = { ...line };
  if (next.engineType !== 'RABBITMQ') next.engineType = 'ACTIVEMQ';
  const possibleModes = modes(CHOICES, next.engineType);
  if (!possibleModes.includes(next.deploymentMode)) next.deploymentMode = possibleModes[0] ?? 'SINGLE_INSTANCE';
  const possibleStorages = storages(CHOICES, next.engineType, next.deploymentMode);
  if (!possibleStorages.includes(next.storageType)) next.storageType = possibleStorages[0] ?? 'EBS';
  const hosts = hostsOf(next);
  if (!hosts.includes(next.hostInstanceType)) {
    next.hostInstanceType = hosts.find((name) => name.endsWith('.large')) ?? hosts[0] ?? '';
  }
  return next;
}

/** What the address says. Whatever it lacks is that of the sample. */
export function linesOf(search: string): { region: string; lines: Line[] } {
  const parameters = new URLSearchParams(search);
  const lines = parameters
    .getAll('broker')
    .slice(0, MAX_LINES)
    .map((text) => {
      const [engineType, deploymentMode, hostInstanceType, storageType, storageGb, hours, count] = text.split(',');
      return fittedLine({
        engineType: (engineType ?? SAMPLE.engineType) as Engine,
        deploymentMode: (deploymentMode ?? SAMPLE.deploymentMode) as Mode,
        hostInstanceType: hostInstanceType ?? SAMPLE.hostInstanceType,
        storageType: (storageType ?? SAMPLE.storageType) as Storage,
        storageGb: storageGb ?? SAMPLE.storageGb,
        hours: hours ?? SAMPLE.hours,
        count: count ?? SAMPLE.count,
      });
    });
  return { region: parameters.get('region') || SAMPLE_REGION, lines: lines.length > 0 ? lines : [SAMPLE] };
}

/** The address of the lines. That of the sample is empty. */
export function searchOf(region: string, lines: Line[]): string {
  const parts = [
    ...(region === SAMPLE_REGION ? [] : [`region=${encodeURIComponent(region)}`]),
    ...lines.map((line) => `broker=${fields(line).map(encodeURIComponent).join(',')}`),
  ];
  const isSample = lines.length === 1 && fields(lines[0] ?? SAMPLE).join() === fields(SAMPLE).join();
  return (isSample ? parts.slice(0, -1) : parts).join('&');
}

function fields(line: Line): string[] {
  const { engineType, deploymentMode, hostInstanceType, storageType, storageGb, hours, count } = line;
  // A comma would end the field.
  return [engineType, deploymentMode, hostInstanceType, storageType, storageGb, hours, count].map((field) =>
    field.replaceAll(',', '.'),
  );
}

/** The parameters of the server's estimate for one broker of a line. */
export function estimateQuery(line: Line, region: string): string {
  const { engineType, deploymentMode, hostInstanceType, storageType, storageGb, hours } = line;
  const members = { engineType, deploymentMode, hostInstanceType, storageType, storageGb, hours, region };
  return new URLSearchParams(members).toString();
}

/** How many brokers a line has; none: the number is wrong. */
export function countOf({ count }: Line): number | undefined {
  const number = /^\d+$/.test(count.trim()) ? Number(count) : 0;
  return number >= 1 && number <= MAX_BROKERS ? number : undefined;
}

/** What a line costs; none: a part has no price, or it is not known yet. */
export function costOf(line: Line, estimate: Estimate | undefined): string | undefined {
  const count = countOf(line);
  if (count === undefined || estimate?.total === undefined) return undefined;
  return times(estimate.total, count);
}

/** What all lines cost; none: that of one is not known. */
export function totalOf(costs: (string | undefined)[]): string | undefined {
  const known = costs.filter((cost) => cost !== undefined);
  return known.length === costs.length ? sum(known) : undefined;
}

const HEADINGS = [
  'engineType',
  'deploymentMode',
  'hostInstanceType',
  'storageType',
  'storageGb',
  'hours',
  'region',
  'instances',
  'hourlyPrice',
  'instanceCost',
  'storageMonthlyPrice',
  'storageCost',
  'costPerBroker',
  'brokers',
  'cost',
  'currency',
];

/** The lines with their prices and costs, as RFC 4180 has it. What is not known is empty. */
export function csvOf(lines: Line[], estimates: (Estimate | undefined)[], region: string): string {
  const rows = lines.map((line, at) => {
    const estimate = estimates[at];
    const { instances, storage } = estimate ?? {};
    return [
      line.engineType,
      line.deploymentMode,
      line.hostInstanceType,
      line.storageType,
      line.storageGb,
      line.hours,
      region,
      instances?.count,
      instances?.hourlyPrice?.amount,
      instances?.cost,
      storage?.monthlyPrice?.amount,
      storage?.cost,
      estimate?.total,
      line.count,
      costOf(line, estimate),
      estimate?.currency,
    ];
  });
  return [HEADINGS, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number | undefined): string {
  const text = String(value ?? '');
  // A spreadsheet would take these for formulas.
  const safe = /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
