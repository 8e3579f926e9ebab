// Which choices go together, from what the server says can be created.
import { bySize } from '../instance-types';
import { listOf, type Draft, type Engine, type Mode, type Storage } from './draft';

/** One row of DescribeBrokerInstanceOptions. */
export interface InstanceOption {
  engineType: string;
  hostInstanceType: string;
  /** `ebs` or `efs`. */
  storageType: string;
  supportedDeploymentModes: string[];
  supportedEngineVersions: string[];
}

const MODES: readonly Mode[] = ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ', 'CLUSTER_MULTI_AZ'];
const ENGINES: readonly Engine[] = ['ACTIVEMQ', 'RABBITMQ'];
/** The instance types that are taken first: the service's own sample, and its counterpart for newer engines. */
const FAVOURITES = ['mq.m5.large', 'mq.m7g.large'];

const isStorage = (option: InstanceOption, storage: Storage) => option.storageType.toUpperCase() === storage;
const unique = (values: string[]) => [...new Set(values)];

/** The engines that can be created. */
export function engines(options: InstanceOption[]): Engine[] {
  return ENGINES.filter((engine) => options.some((option) => option.engineType === engine));
}

/** The deployment modes of an engine. */
export function modes(options: InstanceOption[], engine: Engine): Mode[] {
  const rows = options.filter((option) => option.engineType === engine);
  return MODES.filter((mode) => rows.some((option) => option.supportedDeploymentModes.includes(mode)));
}

/** The storage types of an engine in a mode, the service's default first. */
export function storages(options: InstanceOption[], engine: Engine, mode: Mode): Storage[] {
  const rows = options.filter((one) => one.engineType === engine && one.supportedDeploymentModes.includes(mode));
  const order: Storage[] = engine === 'ACTIVEMQ' ? ['EFS', 'EBS'] : ['EBS', 'EFS'];
  return order.filter((storage) => rows.some((option) => isStorage(option, storage)));
}

/** The rows that fit engine, mode and storage. */
function rows(options: InstanceOption[], draft: Draft): InstanceOption[] {
  return options.filter(
    (option) =>
      option.engineType === draft.engineType &&
      option.supportedDeploymentModes.includes(draft.deploymentMode) &&
      isStorage(option, draft.storageType),
  );
}

/** The versions that run in the chosen mode and storage on any instance type, newest first. */
export function versions(options: InstanceOption[], draft: Draft): string[] {
  const names = rows(options, draft).flatMap((option) => option.supportedEngineVersions);
  return unique(names).sort((one, other) => compareVersions(other, one));
}

/** The instance types on which the chosen version runs in the chosen mode and storage, by size. */
export function hosts(options: InstanceOption[], draft: Draft): string[] {
  const fitting = rows(options, draft).filter((one) => one.supportedEngineVersions.includes(draft.engineVersion));
  return unique(fitting.map((option) => option.hostInstanceType)).sort(bySize);
}

/** Compares `major.minor`. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((version) => version.split('.').map(Number));
  for (let at = 0; at < 2; at += 1) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** From which version on automatic minor upgrades can't be refused. */
const OLDEST_FORCED = { ACTIVEMQ: '5.18', RABBITMQ: '3.13' } as const;

/** Whether brokers of this version have to take minor upgrades. */
export function isUpgradeForced({ engineType, engineVersion }: Draft): boolean {
  return engineVersion !== '' && compareVersions(engineVersion, OLDEST_FORCED[engineType]) >= 0;
}

/** Whether the size of the nodes' disks can be chosen. */
export function hasStorageSize(draft: Draft): boolean {
  return (
    draft.engineType === 'RABBITMQ' &&
    draft.deploymentMode === 'CLUSTER_MULTI_AZ' &&
    draft.hostInstanceType.startsWith('mq.m7g.') &&
    compareVersions(draft.engineVersion, '4.2') >= 0
  );
}

/** How many subnets a broker has: exactly that many, of a cluster at most. */
export function subnetCount(mode: Mode): number {
  return { SINGLE_INSTANCE: 1, ACTIVE_STANDBY_MULTI_AZ: 2, CLUSTER_MULTI_AZ: 6 }[mode];
}

/**
 * The draft with choices that go together: what does not fit what was chosen before it is replaced by the default.
 * What the person entered is kept wherever it can be.
 */
export function fitted(draft: Draft, options: InstanceOption[]): Draft {
  if (options.length === 0) return draft;
  const next = { ...draft };
  next.engineType = among(engines(options), next.engineType);
  next.deploymentMode = among(modes(options, next.engineType), next.deploymentMode);
  next.storageType = among(storages(options, next.engineType, next.deploymentMode), next.storageType);
  next.engineVersion = among(versions(options, next), next.engineVersion);
  const possible = hosts(options, next);
  const favourite = FAVOURITES.find((name) => possible.includes(name)) ?? possible[0] ?? '';
  next.hostInstanceType = possible.includes(next.hostInstanceType) ? next.hostInstanceType : favourite;
  if (!hasStorageSize(next)) next.storageSize = '';
  if (isUpgradeForced(next)) next.autoMinorVersionUpgrade = true;
  // A configuration is for one engine and version; subnets are as many as the mode has.
  if (next.engineType !== draft.engineType || next.engineVersion !== draft.engineVersion) {
    next.chosenConfiguration = undefined;
  }
  const isOtherMode = next.deploymentMode !== draft.deploymentMode;
  if (isOtherMode && listOf(next.subnetIds).length > subnetCount(next.deploymentMode)) {
    next.subnetIds = '';
  }
  return next;
}

function among<T>(possible: T[], chosen: T): T {
  return possible.includes(chosen) ? chosen : (possible[0] ?? chosen);
}
