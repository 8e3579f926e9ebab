// The form that changes a broker: what it begins with, what it sends, and what changed under its hands.
import type { Schemas } from '../api/client';
import { LDAP_MEMBERS, referenceText, targetOf } from './pendingChanges';

type Broker = Schemas['DescribeBrokerResponse'];
type Update = Schemas['UpdateBrokerRequest'];
export type LdapMember = (typeof LDAP_MEMBERS)[number];

/** What the form shows: the broker as it is after its next reboot. */
export interface Draft {
  engineVersion: string;
  hostInstanceType: string;
  /** Gigabytes per node as entered; `0`: the default of the instance type. */
  storageSize: string;
  autoMinorVersionUpgrade: boolean;
  configurationId: string;
  revision: number;
  authenticationStrategy: string;
  ldap: Record<LdapMember, string | boolean>;
  /** Never shown by the server; empty: not entered. */
  ldapPassword: string;
  generalLogs: boolean;
  auditLogs: boolean;
  dayOfWeek: string;
  timeOfDay: string;
  timeZone: string;
}

/** A line of a comparison. */
export type EditField =
  | 'engineVersion'
  | 'hostInstanceType'
  | 'storageSize'
  | 'autoMinorVersionUpgrade'
  | 'configuration'
  | 'authenticationStrategy'
  | `ldap.${LdapMember}`
  | 'ldapPassword'
  | 'generalLogs'
  | 'auditLogs'
  | 'maintenanceWindow';

export type Value = string | number | boolean;

const isSubtree = (member: LdapMember) => member === 'roleSearchSubtree' || member === 'userSearchSubtree';

/** The form as it opens for a broker. */
export function draftOf(broker: Broker): Draft {
  const target = targetOf(broker);
  const window = broker.maintenanceWindowStartTime;
  // A directory that is there although another strategy waits is offered again.
  const ldap = target.ldap ?? broker.ldapServerMetadata;
  const member = (name: LdapMember): string | boolean => {
    if (name === 'hosts') return ldap?.hosts.join(', ') ?? '';
    return ldap?.[name] ?? (isSubtree(name) ? false : '');
  };
  return {
    engineVersion: target.engineVersion,
    hostInstanceType: target.hostInstanceType,
    storageSize: String(target.storageSize),
    autoMinorVersionUpgrade: broker.autoMinorVersionUpgrade,
    configurationId: target.configuration?.id ?? '',
    revision: target.configuration?.revision ?? 0,
    authenticationStrategy: target.authenticationStrategy,
    ldap: Object.fromEntries(LDAP_MEMBERS.map((name) => [name, member(name)])) as Draft['ldap'],
    ldapPassword: '',
    generalLogs: target.generalLogs,
    auditLogs: target.auditLogs,
    dayOfWeek: window.dayOfWeek,
    timeOfDay: window.timeOfDay,
    timeZone: window.timeZone,
  };
}

function fields(draft: Draft): Map<EditField, Value> {
  const reference = draft.configurationId ? { id: draft.configurationId, revision: draft.revision } : undefined;
  const all: [EditField, Value][] = [
    ['engineVersion', draft.engineVersion],
    ['hostInstanceType', draft.hostInstanceType],
    ['storageSize', draft.storageSize.trim()],
    ['autoMinorVersionUpgrade', draft.autoMinorVersionUpgrade],
    ['configuration', referenceText(reference) ?? ''],
    ['authenticationStrategy', draft.authenticationStrategy],
    ...(draft.authenticationStrategy === 'ldap' ? ldapFields(draft) : []),
    ['generalLogs', draft.generalLogs],
    ['auditLogs', draft.auditLogs],
    ['maintenanceWindow', `${draft.dayOfWeek} ${draft.timeOfDay} ${draft.timeZone}`],
  ];
  return new Map(all);
}

function ldapFields(draft: Draft): [EditField, Value][] {
  const members = LDAP_MEMBERS.map((name): [EditField, Value] => [`ldap.${name}`, draft.ldap[name]]);
  return [...members, ['ldapPassword', draft.ldapPassword]];
}

export interface EditChange {
  field: EditField;
  from: Value | undefined;
  to: Value | undefined;
  /** Whether it is in force at once, without a reboot. */
  isImmediate: boolean;
}

/** Source: UpdateBroker of api/src/mq/brokers/update.rs: RabbitMQ changes its logs at once. */
function isImmediate(field: EditField, engine: string): boolean {
  if (field === 'autoMinorVersionUpgrade' || field === 'maintenanceWindow') return true;
  return field === 'generalLogs' && engine.toUpperCase() === 'RABBITMQ';
}

/** The fields in which two forms differ. */
export function changedFields(base: Draft, draft: Draft, engine: string): EditChange[] {
  const [before, after] = [fields(base), fields(draft)];
  return (
    [...new Set([...before.keys(), ...after.keys()])]
      .filter((field) => before.get(field) !== after.get(field))
      // What leaves with the strategy is not a change of its own.
      .filter((field) => after.has(field))
      .map((field) => ({
        field,
        from: before.get(field),
        to: after.get(field),
        isImmediate: isImmediate(field, engine),
      }))
  );
}

/** The request that makes `draft` of `base`: only what was changed. */
export function updateOf(base: Draft, draft: Draft, engine: string): Update {
  const changed = new Set(changedFields(base, draft, engine).map(({ field }) => field));
  const update: Update = {};
  if (changed.has('engineVersion')) update.engineVersion = draft.engineVersion;
  if (changed.has('hostInstanceType')) update.hostInstanceType = draft.hostInstanceType;
  if (changed.has('storageSize')) update.storageSize = Number(draft.storageSize);
  if (changed.has('autoMinorVersionUpgrade')) update.autoMinorVersionUpgrade = draft.autoMinorVersionUpgrade;
  if (changed.has('configuration')) update.configuration = { id: draft.configurationId, revision: draft.revision };
  if (changed.has('authenticationStrategy')) {
    update.authenticationStrategy = draft.authenticationStrategy.toUpperCase();
  }
  // The service takes the directory as a whole.
  if ([...changed].some((field) => field.startsWith('ldap'))) update.ldapServerMetadata = directoryOf(draft);
  if (changed.has('generalLogs') || changed.has('auditLogs')) {
    update.logs = {
      ...(changed.has('generalLogs') ? { general: draft.generalLogs } : {}),
      ...(changed.has('auditLogs') ? { audit: draft.auditLogs } : {}),
    };
  }
  if (changed.has('maintenanceWindow')) {
    const { dayOfWeek, timeOfDay, timeZone } = draft;
    update.maintenanceWindowStartTime = { dayOfWeek, timeOfDay, timeZone };
  }
  return update;
}

function directoryOf({ ldap, ldapPassword }: Draft): Schemas['LdapServerMetadataRequest'] {
  const text = (member: LdapMember) => String(ldap[member]).trim();
  const optional = (member: 'roleName' | 'userRoleName') => (text(member) ? { [member]: text(member) } : {});
  return {
    hosts: text('hosts')
      .split(/[\s,]+/)
      .filter(Boolean),
    userBase: text('userBase'),
    userSearchMatching: text('userSearchMatching'),
    userSearchSubtree: ldap.userSearchSubtree === true,
    roleBase: text('roleBase'),
    roleSearchMatching: text('roleSearchMatching'),
    roleSearchSubtree: ldap.roleSearchSubtree === true,
    serviceAccountUsername: text('serviceAccountUsername'),
    serviceAccountPassword: ldapPassword,
    ...optional('roleName'),
    ...optional('userRoleName'),
  };
}

/** A field that somebody else changed while the form was open. */
export interface StaleField {
  field: EditField;
  before: Value | undefined;
  now: Value | undefined;
  /** What the form would make of it; absent where the form leaves it alone. */
  mine?: Value;
}

/** What changed on the broker since the form opened. */
export function staleFields(base: Draft, latest: Draft, draft: Draft): StaleField[] {
  const mine = new Map(changedFields(base, draft, '').map(({ field, to }) => [field, to]));
  return changedFields(base, latest, '').map(({ field, from, to }) => {
    const own = mine.get(field);
    return { field, before: from, now: to, ...(own === undefined ? {} : { mine: own }) };
  });
}

/**
 * The form on top of the broker as it is now: what the person did not touch follows the broker, and what they did stays
 * or, with `theirs`, goes where somebody else has changed it.
 */
export function rebased(base: Draft, latest: Draft, draft: Draft, theirs = false): Draft {
  const stale = new Set(changedFields(base, latest, '').map(({ field }) => field));
  const touched = new Set(changedFields(base, draft, '').map(({ field }) => field));
  const keeps = (field: EditField) => touched.has(field) && !(theirs && stale.has(field));
  const pick = <K extends keyof Draft>(field: EditField, ...names: K[]) =>
    Object.fromEntries(names.map((name) => [name, (keeps(field) ? draft : latest)[name]]));
  const ldap = LDAP_MEMBERS.map((name) => [name, (keeps(`ldap.${name}`) ? draft : latest).ldap[name]]);
  return {
    ...latest,
    ...pick('engineVersion', 'engineVersion'),
    ...pick('hostInstanceType', 'hostInstanceType'),
    ...pick('storageSize', 'storageSize'),
    ...pick('autoMinorVersionUpgrade', 'autoMinorVersionUpgrade'),
    ...pick('configuration', 'configurationId', 'revision'),
    ...pick('authenticationStrategy', 'authenticationStrategy'),
    ...pick('generalLogs', 'generalLogs'),
    ...pick('auditLogs', 'auditLogs'),
    ...pick('maintenanceWindow', 'dayOfWeek', 'timeOfDay', 'timeZone'),
    ldap: Object.fromEntries(ldap) as Draft['ldap'],
    ldapPassword: draft.ldapPassword,
  };
}

/** The section of the form that a server's `errorAttribute` is about, as the form names its fields. */
export function fieldOf(attribute: string | undefined): string | undefined {
  if (!attribute) return undefined;
  const known: Record<string, string> = {
    'logs.audit': 'auditLogs',
    'logs.general': 'generalLogs',
    'ldapServerMetadata.serviceAccountPassword': 'ldapPassword',
    'configuration.id': 'configuration',
    'configuration.revision': 'configuration',
    'configuration-id': 'configuration',
    'configuration-revision': 'configuration',
  };
  return (
    known[attribute] ?? attribute.replace(/^ldapServerMetadata\./, 'ldap.').replace(/^maintenanceWindowStartTime\./, '')
  );
}

export type DraftFault = 'REQUIRED' | 'TIME' | 'SIZE';

/** Members of a directory that have to be there. */
const REQUIRED: LdapMember[] = [
  'hosts',
  'userBase',
  'userSearchMatching',
  'roleBase',
  'roleSearchMatching',
  'serviceAccountUsername',
];

/** What is wrong with a form before the server is asked, by the form's fields. */
export function draftFaults(base: Draft, draft: Draft): Partial<Record<string, DraftFault>> {
  const faults: Partial<Record<string, DraftFault>> = {};
  const size = draft.storageSize.trim();
  if (!/^\d+$/.test(size) || Number(size) % 5 !== 0) faults['storageSize'] = 'SIZE';
  if (!/^([01]?\d|2[0-3]):[0-5]\d$/.test(draft.timeOfDay)) faults['timeOfDay'] = 'TIME';
  if (!draft.timeZone.trim()) faults['timeZone'] = 'REQUIRED';
  const changed = changedFields(base, draft, '');
  if (changed.some(({ field }) => field.startsWith('ldap'))) {
    for (const member of REQUIRED) if (!String(draft.ldap[member]).trim()) faults[`ldap.${member}`] = 'REQUIRED';
    if (!draft.ldapPassword) faults['ldapPassword'] = 'REQUIRED';
  }
  return faults;
}
