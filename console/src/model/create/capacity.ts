// Whether there is room for a broker: the quotas of the account, and the memory of the host.
import { instanceType } from '../instance-types';
import type { Draft } from './draft';

/** How much of something an account has; without a quota nothing limits it. */
export interface Usage {
  used: number;
  quota?: number;
}

/** What DescribeCapacity answers, as far as it is needed here. */
export interface Capacity {
  brokers: Usage;
  memoryMib: Usage;
  waitSeconds: number;
  scale: number;
  host?: { usableMemoryBytes: number; reservedMemoryBytes: number; waitingMemoryBytes: number };
}

export interface Room {
  /** Memory of the broker's instances on the host, in bytes; 0: the instance type is not known here. */
  neededBytes: number;
  /** Free memory of the host, in bytes; none: only the operator is told. */
  freeBytes?: number;
  /** Creation waits for memory on the host. */
  isHostFull: boolean;
  /** The account may have no more brokers. */
  hasNoBrokersLeft: boolean;
  /** The account may not have that much memory more. */
  hasNoMemoryLeft: boolean;
}

/** How many instances a mode has. */
export function instanceCount(mode: string): number {
  return mode === 'CLUSTER_MULTI_AZ' ? 3 : mode === 'ACTIVE_STANDBY_MULTI_AZ' ? 2 : 1;
}

/** Compares what the broker needs with what there is. */
export function roomFor(draft: Pick<Draft, 'hostInstanceType' | 'deploymentMode'>, capacity: Capacity): Room {
  const instances = instanceCount(draft.deploymentMode);
  const memoryMib = (instanceType(draft.hostInstanceType)?.memoryGib ?? 0) * 1024 * instances;
  const neededBytes = memoryMib * 2 ** 20 * capacity.scale;
  const { host, brokers, memoryMib: memory } = capacity;
  const freeBytes = host && Math.max(0, host.usableMemoryBytes - host.reservedMemoryBytes - host.waitingMemoryBytes);
  return {
    neededBytes,
    ...(freeBytes === undefined ? {} : { freeBytes }),
    isHostFull: freeBytes !== undefined && neededBytes > freeBytes,
    hasNoBrokersLeft: brokers.quota !== undefined && brokers.used + 1 > brokers.quota,
    hasNoMemoryLeft: memory.quota !== undefined && memory.used + memoryMib > memory.quota,
  };
}
