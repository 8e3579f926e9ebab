// What a broker has now, and what it has after its next reboot.
import type { Schemas } from '../api/client';

type Broker = Schemas['DescribeBrokerResponse'];
export type Ldap = Schemas['LdapServerMetadataView'];
export type ConfigurationReference = Schemas['ConfigurationIdView'];

/** A member of the broker that waits for a reboot. */
export type PendingField =
  | 'engineVersion'
  | 'hostInstanceType'
  | 'storageSize'
  | 'configuration'
  | 'authenticationStrategy'
  | 'ldapServerMetadata'
  | 'generalLogs'
  | 'auditLogs'
  | 'user';

/** One change that waits, as values; `name` is the user or the member of the directory. */
export interface PendingChange {
  field: PendingField;
  name?: string;
  now: string | number | boolean | undefined;
  then: string | number | boolean | undefined;
}

/** What the broker is once everything that waits is applied. */
export interface Target {
  engineVersion: string;
  hostInstanceType: string;
  /** Gigabytes per node; 0: the default of the instance type. */
  storageSize: number;
  configuration: ConfigurationReference | undefined;
  authenticationStrategy: string;
  ldap: Ldap | undefined;
  generalLogs: boolean;
  auditLogs: boolean;
}

/** The broker after its next reboot. */
export function targetOf(broker: Broker): Target {
  const strategy = broker.pendingAuthenticationStrategy ?? broker.authenticationStrategy;
  const logs = broker.logs.pending;
  return {
    engineVersion: broker.pendingEngineVersion ?? broker.engineVersion,
    hostInstanceType: broker.pendingHostInstanceType ?? broker.hostInstanceType,
    storageSize: broker.pendingStorageSize ?? broker.storageSize ?? 0,
    configuration: broker.configurations.pending ?? broker.configurations.current,
    authenticationStrategy: strategy,
    // The directory leaves with its strategy.
    ldap: strategy === 'ldap' ? (broker.pendingLdapServerMetadata ?? broker.ldapServerMetadata) : undefined,
    generalLogs: logs?.general ?? broker.logs.general,
    auditLogs: logs?.audit ?? broker.logs.audit ?? false,
  };
}

/** A reference in words: "c-1 revision 2". */
export function referenceText(reference: ConfigurationReference | undefined): string | undefined {
  return reference && `${reference.id} revision ${reference.revision}`;
}

/** Everything that waits for the next reboot, in the order of a settings page. */
export function pendingChanges(broker: Broker): PendingChange[] {
  const changes: PendingChange[] = [];
  const add = (field: PendingField, now: PendingChange['now'], then: PendingChange['then'], name?: string) =>
    changes.push({ field, now, then, ...(name === undefined ? {} : { name }) });
  const { configurations, logs } = broker;
  if (broker.pendingEngineVersion !== undefined) {
    add('engineVersion', broker.engineVersion, broker.pendingEngineVersion);
  }
  if (broker.pendingHostInstanceType !== undefined) {
    add('hostInstanceType', broker.hostInstanceType, broker.pendingHostInstanceType);
  }
  if (broker.pendingStorageSize !== undefined) {
    add('storageSize', broker.storageSize ?? 0, broker.pendingStorageSize);
  }
  if (configurations.pending) {
    add('configuration', referenceText(configurations.current), referenceText(configurations.pending));
  }
  if (broker.pendingAuthenticationStrategy !== undefined) {
    add('authenticationStrategy', broker.authenticationStrategy, broker.pendingAuthenticationStrategy);
  }
  if (broker.pendingLdapServerMetadata) {
    const differing = ldapDifferences(broker.ldapServerMetadata, broker.pendingLdapServerMetadata);
    for (const { member, now, then } of differing) add('ldapServerMetadata', now, then, member);
    // Only the password differs, which nobody can see.
    if (!differing.length) add('ldapServerMetadata', '••••', '••••', 'serviceAccountPassword');
  }
  if (logs.pending) {
    if (logs.pending.general !== logs.general) add('generalLogs', logs.general, logs.pending.general);
    if (logs.pending.audit !== undefined && logs.pending.audit !== (logs.audit ?? false)) {
      add('auditLogs', logs.audit ?? false, logs.pending.audit);
    }
  }
  for (const user of broker.users) {
    if (user.pendingChange) add('user', user.pendingChange !== 'CREATE', user.pendingChange, user.username);
  }
  return changes;
}

/** The members of the directory, in the order of a form. */
export const LDAP_MEMBERS = [
  'hosts',
  'userBase',
  'userSearchMatching',
  'userSearchSubtree',
  'userRoleName',
  'roleBase',
  'roleName',
  'roleSearchMatching',
  'roleSearchSubtree',
  'serviceAccountUsername',
] as const satisfies readonly (keyof Ldap)[];

function shown(value: Ldap[keyof Ldap] | undefined): string | boolean | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The members in which two directories differ. */
export function ldapDifferences(now: Ldap | undefined, then: Ldap | undefined) {
  return LDAP_MEMBERS.map((member) => ({ member, now: shown(now?.[member]), then: shown(then?.[member]) })).filter(
    (one) => one.now !== one.then,
  );
}
