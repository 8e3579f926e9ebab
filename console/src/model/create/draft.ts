// What the person has entered so far, and the CreateBroker that follows from it.

/** The engines. */
export type Engine = 'ACTIVEMQ' | 'RABBITMQ';
/** How instances work together. */
export type Mode = 'SINGLE_INSTANCE' | 'ACTIVE_STANDBY_MULTI_AZ' | 'CLUSTER_MULTI_AZ';
/** Where messages are stored. */
export type Storage = 'EBS' | 'EFS';

/** A user of the new broker. */
export interface UserDraft {
  /** Tells users apart while their names change. */
  key: number;
  username: string;
  password: string;
  /** The groups, separated by commas. ActiveMQ only. */
  groups: string;
  /** ActiveMQ only. */
  consoleAccess: boolean;
}

/** The directory of an ActiveMQ broker. */
export interface LdapDraft {
  /** One or two, separated by commas. */
  hosts: string;
  serviceAccountUsername: string;
  serviceAccountPassword: string;
  userBase: string;
  userSearchMatching: string;
  userRoleName: string;
  userSearchSubtree: boolean;
  roleBase: string;
  roleSearchMatching: string;
  roleName: string;
  roleSearchSubtree: boolean;
}

/** The configuration that the broker uses. */
export interface ConfigurationChoice {
  id: string;
  revision: number;
}

export interface Draft {
  engineType: Engine;
  deploymentMode: Mode;
  storageType: Storage;
  /** Gigabytes of each node; empty: the default. */
  storageSize: string;
  brokerName: string;
  hostInstanceType: string;
  engineVersion: string;
  authenticationStrategy: 'SIMPLE' | 'LDAP';
  users: UserDraft[];
  ldap: LdapDraft;
  configuration: 'DEFAULT' | 'EXISTING' | 'NEW';
  chosenConfiguration?: ConfigurationChoice | undefined;
  generalLogs: boolean;
  auditLogs: boolean;
  publiclyAccessible: boolean;
  securityGroups: string[];
  /** Separated by commas; empty: the defaults. */
  subnetIds: string;
  encryption: 'OWNED' | 'MANAGED' | 'CUSTOMER';
  kmsKeyId: string;
  autoMinorVersionUpgrade: boolean;
  window: 'SERVICE' | 'CHOSEN';
  dayOfWeek: string;
  timeOfDay: string;
  timeZone: string;
  tags: { key: string; value: string }[];
}

/** CreateBroker as it is sent. */
export interface CreateBrokerRequest {
  brokerName: string;
  engineType: Engine;
  engineVersion: string;
  deploymentMode: Mode;
  hostInstanceType: string;
  storageType: Storage;
  storageSize?: number;
  publiclyAccessible: boolean;
  autoMinorVersionUpgrade: boolean;
  authenticationStrategy?: string;
  users?: UserRequest[];
  ldapServerMetadata?: LdapRequest;
  configuration?: { id: string; revision: number };
  logs?: { general: boolean; audit?: boolean };
  maintenanceWindowStartTime?: { dayOfWeek: string; timeOfDay: string; timeZone: string };
  securityGroups?: string[];
  subnetIds?: string[];
  encryptionOptions?: { useAwsOwnedKey: boolean; kmsKeyId?: string };
  tags?: Record<string, string>;
}

export interface UserRequest {
  username: string;
  password: string;
  consoleAccess?: boolean;
  groups?: string[];
}

export interface LdapRequest {
  hosts: string[];
  roleBase: string;
  roleName?: string;
  roleSearchMatching: string;
  roleSearchSubtree: boolean;
  serviceAccountUsername: string;
  serviceAccountPassword: string;
  userBase: string;
  userRoleName?: string;
  userSearchMatching: string;
  userSearchSubtree: boolean;
}

/** A user without anything. */
export function newUser(key: number): UserDraft {
  return { key, username: '', password: '', groups: '', consoleAccess: key === 0 };
}

/** What a person finds who has entered nothing. */
export function newDraft(): Draft {
  return {
    engineType: 'ACTIVEMQ',
    deploymentMode: 'SINGLE_INSTANCE',
    storageType: 'EFS',
    storageSize: '',
    brokerName: '',
    hostInstanceType: '',
    engineVersion: '',
    authenticationStrategy: 'SIMPLE',
    users: [newUser(0)],
    ldap: {
      hosts: '',
      serviceAccountUsername: '',
      serviceAccountPassword: '',
      userBase: '',
      userSearchMatching: '',
      userRoleName: '',
      userSearchSubtree: false,
      roleBase: '',
      roleSearchMatching: '',
      roleName: '',
      roleSearchSubtree: false,
    },
    configuration: 'DEFAULT',
    generalLogs: false,
    auditLogs: false,
    publiclyAccessible: false,
    securityGroups: [],
    subnetIds: '',
    encryption: 'OWNED',
    kmsKeyId: '',
    autoMinorVersionUpgrade: true,
    window: 'SERVICE',
    dayOfWeek: 'SUNDAY',
    timeOfDay: '03:00',
    timeZone: 'UTC',
    tags: [],
  };
}

/** The parts of a list that is separated by commas or spaces. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Whether the chosen configuration of RabbitMQ may say who is authenticated, so that no user is needed. */
export function mayBeConfigManaged({ engineType, configuration, chosenConfiguration }: Draft): boolean {
  return engineType === 'RABBITMQ' && configuration !== 'DEFAULT' && chosenConfiguration !== undefined;
}

/** The users that the request has. A blank one is left out where none may be needed: the server knows. */
export function usersOf(draft: Draft): UserDraft[] {
  if (draft.engineType === 'ACTIVEMQ') return draft.authenticationStrategy === 'LDAP' ? [] : draft.users;
  const first = draft.users.slice(0, 1);
  return mayBeConfigManaged(draft) ? first.filter(({ username, password }) => username || password) : first;
}

/** Whether security groups say who reaches the broker. */
export function hasSecurityGroups(draft: Draft): boolean {
  return draft.engineType === 'ACTIVEMQ' || !draft.publiclyAccessible;
}

/** The request. What the service would choose by itself is left out, unless the person sees it as chosen. */
export function requestOf(draft: Draft): CreateBrokerRequest {
  const isActiveMq = draft.engineType === 'ACTIVEMQ';
  const isLdap = isActiveMq && draft.authenticationStrategy === 'LDAP';
  const request: CreateBrokerRequest = {
    brokerName: draft.brokerName,
    engineType: draft.engineType,
    engineVersion: draft.engineVersion,
    deploymentMode: draft.deploymentMode,
    hostInstanceType: draft.hostInstanceType,
    storageType: draft.storageType,
    publiclyAccessible: draft.publiclyAccessible,
    autoMinorVersionUpgrade: draft.autoMinorVersionUpgrade,
  };
  if (draft.deploymentMode === 'CLUSTER_MULTI_AZ' && draft.storageSize.trim() !== '') {
    request.storageSize = Number(draft.storageSize);
  }
  if (isLdap) {
    request.authenticationStrategy = 'LDAP';
    request.ldapServerMetadata = ldapOf(draft.ldap);
  }
  const users = usersOf(draft);
  if (users.length > 0) request.users = users.map((user) => userOf(user, isActiveMq));
  if (draft.configuration !== 'DEFAULT' && draft.chosenConfiguration) {
    const { id, revision } = draft.chosenConfiguration;
    request.configuration = { id, revision };
  }
  const hasAudit = isActiveMq && draft.auditLogs;
  if (draft.generalLogs || hasAudit) {
    request.logs = { general: draft.generalLogs, ...(isActiveMq ? { audit: hasAudit } : {}) };
  }
  if (draft.window === 'CHOSEN') {
    const { dayOfWeek, timeOfDay, timeZone } = draft;
    request.maintenanceWindowStartTime = { dayOfWeek, timeOfDay, timeZone };
  }
  if (hasSecurityGroups(draft) && draft.securityGroups.length > 0) request.securityGroups = draft.securityGroups;
  const subnets = listOf(draft.subnetIds);
  if (subnets.length > 0) request.subnetIds = subnets;
  if (draft.encryption === 'MANAGED') request.encryptionOptions = { useAwsOwnedKey: false };
  if (draft.encryption === 'CUSTOMER') {
    request.encryptionOptions = { useAwsOwnedKey: false, kmsKeyId: draft.kmsKeyId };
  }
  const tags = draft.tags.filter(({ key, value }) => key || value);
  if (tags.length > 0) request.tags = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
  return request;
}

function userOf(user: UserDraft, isActiveMq: boolean): UserRequest {
  const { username, password } = user;
  if (!isActiveMq) return { username, password };
  const groups = listOf(user.groups);
  return { username, password, consoleAccess: user.consoleAccess, ...(groups.length > 0 ? { groups } : {}) };
}

function ldapOf(draft: LdapDraft): LdapRequest {
  const { hosts, roleName, userRoleName, ...required } = draft;
  return {
    ...required,
    hosts: listOf(hosts),
    ...(roleName ? { roleName } : {}),
    ...(userRoleName ? { userRoleName } : {}),
  };
}
