// What waits for the next reboot of a broker, what that reboot does to clients, and when it comes by itself.
import type { Schemas } from '../api/client';

type Broker = Schemas['DescribeBrokerResponse'];

/** A value that changes with the next reboot. */
export interface Change {
  what: 'engineVersion' | 'hostInstanceType' | 'configuration' | 'authentication' | 'directory' | 'logs' | 'storageSize';
  now: string;
  after: string;
}

/** A user that changes with the next reboot. */
export interface UserChange {
  username: string;
  change: string;
}

/** What waits. */
export interface Pending {
  changes: Change[];
  users: UserChange[];
}

const revision = (configuration?: { id: string; revision: number }) =>
  configuration ? `${configuration.id}:${configuration.revision}` : '';
const published = (logs: { general: boolean; audit?: boolean | undefined }) =>
  [logs.general && 'general', logs.audit && 'audit'].filter(Boolean).join(', ');
const gigabytes = (size: number | undefined) => (size ? `${size} GB` : '');

/** What waits for the next reboot. */
export function pendingOf(broker: Broker): Pending {
  const changes: Change[] = [];
  const add = (what: Change['what'], now: string, after: string) => changes.push({ what, now, after });
  const { configurations, logs, ldapServerMetadata, pendingLdapServerMetadata } = broker;
  if (broker.pendingEngineVersion) add('engineVersion', broker.engineVersion, broker.pendingEngineVersion);
  if (broker.pendingHostInstanceType) add('hostInstanceType', broker.hostInstanceType, broker.pendingHostInstanceType);
  if (configurations.pending) {
    add('configuration', revision(configurations.current), revision(configurations.pending));
  }
  if (broker.pendingAuthenticationStrategy) {
    add('authentication', broker.authenticationStrategy, broker.pendingAuthenticationStrategy);
  }
  if (pendingLdapServerMetadata) {
    add('directory', ldapServerMetadata?.hosts.join(', ') ?? '', pendingLdapServerMetadata.hosts.join(', '));
  }
  if (logs.pending) add('logs', published(logs), published(logs.pending));
  if (broker.pendingStorageSize !== undefined) {
    add('storageSize', gigabytes(broker.storageSize), gigabytes(broker.pendingStorageSize));
  }
  const users = broker.users
    .filter((user) => user.pendingChange)
    .map((user) => ({ username: user.username, change: user.pendingChange ?? '' }));
  return { changes, users };
}

/** Whether anything waits. */
export const isPending = (pending: Pending): boolean => pending.changes.length + pending.users.length > 0;

/**
 * How clients notice a reboot: `single` is away while it boots, a `pair` fails over, of a `cluster` one node after the
 * other is away, and all at once (`together`) when its version changes.
 */
export type RebootEffect = 'single' | 'pair' | 'cluster' | 'together';

/** What the next reboot does. */
export function rebootEffect(broker: Broker): RebootEffect {
  if (broker.deploymentMode === 'ACTIVE_STANDBY_MULTI_AZ') return 'pair';
  if (broker.deploymentMode !== 'CLUSTER_MULTI_AZ') return 'single';
  return broker.pendingEngineVersion ? 'together' : 'cluster';
}

const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** How far the clocks of a zone are from UTC at a time, in milliseconds; not a number if the zone is not known. */
function offset(zone: string, at: number): number {
  const written = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (written) {
    const minutes = Number(written[2]) * 60 + Number(written[3] ?? 0);
    return (written[1] === '-' ? -minutes : minutes) * MINUTE_MS;
  }
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day, hour, minute, second } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  } catch {
    return Number.NaN;
  }
}

/** When the next maintenance window begins, in milliseconds; none if its zone is not known here. */
export function nextWindow(window: Schemas['MaintenanceWindowView'], now: number): number | undefined {
  const [hour = 0, minute = 0] = window.timeOfDay.split(':').map(Number);
  const zone = window.timeZone || 'UTC';
  const local = new Date(now + offset(zone, now));
  const ahead = (DAYS.indexOf(window.dayOfWeek) - local.getUTCDay() + 7) % 7;
  for (const days of [ahead, ahead + 7]) {
    const wall = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + days, hour, minute);
    // Twice, because the clocks may be changed in between.
    const near = wall - offset(zone, wall);
    const at = wall - offset(zone, near);
    if (Number.isNaN(at) || at - now > 14 * DAY_MS) return undefined;
    if (at > now) return at;
  }
  return undefined;
}
