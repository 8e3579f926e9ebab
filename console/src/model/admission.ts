// Whether security groups let an address in, as the gateway decides it.
// Source: domain/src/access/security_group.rs, gateway/src/admission.rs, domain/src/broker/endpoint.rs.

export interface Rule {
  fromPort: number;
  toPort: number;
  cidr: string;
}

export interface Group {
  securityGroupId: string;
  name: string;
  rules: Rule[];
}

/** An address or the first one of a range, as a number, with the length of its family in bits. */
interface Address {
  value: bigint;
  bits: 32 | 128;
}

const MAPPED = 0xffffn << 32n;

function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // A leading zero is octal to some programs, so that the server refuses it.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function groups6(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const values: number[] = [];
  for (const [at, part] of parts.entries()) {
    if (part.includes('.')) {
      const four = at === parts.length - 1 ? parse4(part) : undefined;
      if (four === undefined) return undefined;
      values.push(Number(four >> 16n), Number(four & 0xffffn));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      values.push(parseInt(part, 16));
    }
  }
  return values;
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groups6(halves[0] ?? ''), groups6(halves[1] ?? '')];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array<number>(missing).fill(0), ...tail];
  return all.reduce((value, part) => (value << 16n) | BigInt(part), 0n);
}

function plain(text: string): Address | undefined {
  const four = parse4(text);
  if (four !== undefined) return { value: four, bits: 32 };
  const six = text.includes(':') ? parse6(text) : undefined;
  return six === undefined ? undefined : { value: six, bits: 128 };
}

/** An address; IPv4 in the form of IPv6 (`::ffff:10.0.0.1`) is IPv4. */
function parseAddress(text: string): Address | undefined {
  const address = plain(text.trim());
  if (address?.bits === 128 && (address.value & ~0xffffffffn) === MAPPED) {
    return { value: address.value & 0xffffffffn, bits: 32 };
  }
  return address;
}

/** Whether a text is an IPv4 or IPv6 address. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

/** A range of addresses in the form of the service; bits beyond the prefix don't count. */
function parseRange(text: string): (Address & { prefix: number }) | undefined {
  const [written, length, ...rest] = text.trim().split('/');
  const address = written === undefined ? undefined : plain(written);
  if (!address || length === undefined || rest.length || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = Number(length);
  if (prefix > address.bits) return undefined;
  const isMapped = address.bits === 128 && prefix >= 96 && (address.value & ~0xffffffffn) === MAPPED;
  if (isMapped) return { value: address.value & 0xffffffffn, bits: 32, prefix: prefix - 96 };
  return { ...address, prefix };
}

/** Whether a text is a range such as `10.0.0.0/8` or `fd00::/8`. */
export function isCidr(text: string): boolean {
  return parseRange(text) !== undefined;
}

/** Whether a range has an address. */
export function contains(cidr: string, address: string): boolean {
  const [range, asked] = [parseRange(cidr), parseAddress(address)];
  if (!range || !asked || range.bits !== asked.bits) return false;
  const shift = BigInt(range.bits - range.prefix);
  return range.value >> shift === asked.value >> shift;
}

/** The outcome for one port: which rule lets the address in, or why none does. */
export type Admission =
  | { isAdmitted: true; why: 'NO_GROUPS' }
  | { isAdmitted: true; why: 'RULE'; group: Group; rule: Rule }
  | { isAdmitted: false };

/**
 * Whether a broker with these groups lets an address in on one of the ports. Groups that nobody defined filter nothing,
 * so only the defined ones are given; without one everybody is let in.
 */
export function admission(groups: readonly Group[], address: string, ports: readonly number[]): Admission {
  if (!groups.length) return { isAdmitted: true, why: 'NO_GROUPS' };
  for (const group of groups) {
    const rule = group.rules.find(
      ({ fromPort, toPort, cidr }) =>
        ports.some((port) => fromPort <= port && port <= toPort) && contains(cidr, address),
    );
    if (rule) return { isAdmitted: true, why: 'RULE', group, rule };
  }
  return { isAdmitted: false };
}

export interface ProtocolPorts {
  protocol: string;
  /** The service's standard ports, whichever the gateway listens on. */
  ports: number[];
}

/** The protocols of a broker with the ports that rules are about. */
export function protocolsOf(broker: {
  engineType: string;
  engineVersion: string;
  deploymentMode: string;
}): ProtocolPorts[] {
  if (broker.engineType.toUpperCase() === 'ACTIVEMQ') {
    return [
      { protocol: 'OpenWire', ports: [61617] },
      { protocol: 'AMQP', ports: [5671] },
      { protocol: 'STOMP', ports: [61614] },
      { protocol: 'MQTT', ports: [8883] },
      { protocol: 'WebSocket', ports: [61619] },
      { protocol: 'Web console', ports: [8162] },
    ];
  }
  const [major = 0, minor = 0] = broker.engineVersion.split('.').map(Number);
  const hasMetrics = major > 4 || (major === 4 && minor >= 2);
  const nodes = hasMetrics ? (broker.deploymentMode === 'CLUSTER_MULTI_AZ' ? 3 : 1) : 0;
  return [
    { protocol: 'AMQP', ports: [5671] },
    { protocol: 'Web console', ports: [443, 15671] },
    ...Array.from({ length: nodes }, (_, at) => ({ protocol: `Metrics of node ${at + 1}`, ports: [16001 + at] })),
  ];
}
