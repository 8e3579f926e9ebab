// What the instance types have. Source: domain/src/catalogue/instance_type_table.rs, to which a test compares this.

/** An instance type. */
export interface InstanceType {
  name: string;
  vcpus: number;
  /** Memory, in GiB. */
  memoryGib: number;
}

/** Every instance type, smallest first within its family. */
export const INSTANCE_TYPES: readonly InstanceType[] = [
  { name: 'mq.t3.micro', vcpus: 2, memoryGib: 1 },
  { name: 'mq.m5.large', vcpus: 2, memoryGib: 8 },
  { name: 'mq.m5.xlarge', vcpus: 4, memoryGib: 16 },
  { name: 'mq.m5.2xlarge', vcpus: 8, memoryGib: 32 },
  { name: 'mq.m5.4xlarge', vcpus: 16, memoryGib: 64 },
  { name: 'mq.m7g.medium', vcpus: 1, memoryGib: 4 },
  { name: 'mq.m7g.large', vcpus: 2, memoryGib: 8 },
  { name: 'mq.m7g.xlarge', vcpus: 4, memoryGib: 16 },
  { name: 'mq.m7g.2xlarge', vcpus: 8, memoryGib: 32 },
  { name: 'mq.m7g.4xlarge', vcpus: 16, memoryGib: 64 },
  { name: 'mq.m7g.8xlarge', vcpus: 32, memoryGib: 128 },
  { name: 'mq.m7g.12xlarge', vcpus: 48, memoryGib: 192 },
  { name: 'mq.m7g.16xlarge', vcpus: 64, memoryGib: 256 },
];

/** The instance type of a name; none: this console does not know it. */
export function instanceType(name: string): InstanceType | undefined {
  return INSTANCE_TYPES.find((type) => type.name === name);
}

/** Sorts names as the table has them; names that it lacks come last. */
export function bySize(one: string, other: string): number {
  const place = (name: string) => {
    const at = INSTANCE_TYPES.findIndex((type) => type.name === name);
    return at < 0 ? INSTANCE_TYPES.length : at;
  };
  return place(one) - place(other) || one.localeCompare(other);
}
