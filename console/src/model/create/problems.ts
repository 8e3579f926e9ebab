// What is wrong with a draft: the obvious, found here at once, and what the server says.
import { text } from '../../text';
import { isPasswordValid } from '../password';
import { type Draft, hasSecurityGroups, listOf, usersOf } from './draft';
import { hasStorageSize, subnetCount } from './options';

/** One thing that is wrong. */
export interface Problem {
  /** The member of CreateBroker, as in the server's `errorAttribute`. */
  attribute: string;
  message: string;
  /** The key of the user whom it is about; none: the attribute says all. */
  user?: number;
  /** The place of the tag that it is about. */
  tag?: number;
}

/** The steps of the wizard. */
export const STEPS = ['ENGINE', 'DEPLOYMENT', 'SETTINGS', 'REVIEW'] as const;
export type Step = (typeof STEPS)[number];

const FIRST_STEPS: Record<string, Step> = {
  engineType: 'ENGINE',
  deploymentMode: 'DEPLOYMENT',
  storageType: 'DEPLOYMENT',
};

/** The step that has the field of an attribute. */
export function stepOf(attribute: string): Step {
  return FIRST_STEPS[attribute] ?? 'SETTINGS';
}

/** The members that a field of the settings shows. What is about another one is shown above the fields. */
const SHOWN = [
  'brokerName',
  'engineVersion',
  'hostInstanceType',
  'storageSize',
  'users',
  'username',
  'password',
  'groups',
  'authenticationStrategy',
  'configuration',
  'logs',
  'publiclyAccessible',
  'securityGroups',
  'subnetIds',
  'encryptionOptions',
  'autoMinorVersionUpgrade',
  'maintenanceWindowStartTime',
  'tags',
  'ldapServerMetadata',
  'engineType',
  'deploymentMode',
  'storageType',
];

/** Whether a field shows the problem itself. */
export function hasField({ attribute }: Problem): boolean {
  return SHOWN.includes(attribute.split('.')[0] ?? '');
}

const NAME = /^[A-Za-z0-9_-]+$/;
const TIME = /^([01]?\d|2[0-3]):[0-5]\d$/;
const MAX_TAGS = 50;
const MAX_GROUPS = 20;
const MAX_SECURITY_GROUPS = 5;
const isResourceId = (id: string, prefix: string) => new RegExp(`^${prefix}[A-Za-z0-9-]{1,64}$`).test(id);

/** What the console sees by itself. The server has the last word. */
export function localProblems(draft: Draft): Problem[] {
  return [
    ...nameProblems(draft),
    ...userProblems(draft),
    ...ldapProblems(draft),
    ...settingProblems(draft),
    ...tagProblems(draft),
  ];
}

function nameProblems({ brokerName }: Draft): Problem[] {
  if (brokerName === '' || [...brokerName].length > 50) return [of('brokerName', text.create.wrong.nameLength)];
  return NAME.test(brokerName) ? [] : [of('brokerName', text.create.wrong.nameCharacters)];
}

function of(attribute: string, message: string): Problem {
  return { attribute, message };
}

function userProblems(draft: Draft): Problem[] {
  const users = usersOf(draft);
  const isRabbitMq = draft.engineType === 'RABBITMQ';
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const { key, username, password, groups } of users) {
    const tell = (attribute: string, message: string) => problems.push({ attribute, message, user: key });
    const permitted = isRabbitMq ? /^[A-Za-z0-9._-]{2,100}$/ : /^[A-Za-z0-9._~-]{2,100}$/;
    if (!permitted.test(username)) tell('username', text.create.wrong.username(isRabbitMq ? '- . _' : '- . _ ~'));
    else if (isRabbitMq && username.toLowerCase() === 'guest') tell('username', text.create.wrong.guest);
    else if (names.has(username)) tell('username', text.create.wrong.sameUser);
    names.add(username);
    if (!isPasswordValid(password)) tell('password', text.create.wrong.password);
    if (isRabbitMq) continue;
    const wrong = listOf(groups).find((group) => !/^[A-Za-z0-9._~-]{2,100}$/.test(group));
    if (wrong !== undefined) tell('groups', text.create.wrong.group(wrong));
    else if (new Set(listOf(groups)).size > MAX_GROUPS) tell('groups', text.create.wrong.tooManyGroups(MAX_GROUPS));
  }
  return problems;
}

function ldapProblems({ engineType, authenticationStrategy, ldap }: Draft): Problem[] {
  if (engineType !== 'ACTIVEMQ' || authenticationStrategy !== 'LDAP') return [];
  const hosts = listOf(ldap.hosts);
  const required = [
    'serviceAccountUsername',
    'serviceAccountPassword',
    'userBase',
    'userSearchMatching',
    'roleBase',
    'roleSearchMatching',
  ] as const;
  return [
    ...(hosts.length < 1 || hosts.length > 2 ? [of('ldapServerMetadata.hosts', text.create.wrong.ldapHosts)] : []),
    ...required
      .filter((name) => ldap[name] === '')
      .map((name) => of(`ldapServerMetadata.${name}`, text.create.wrong.required)),
  ];
}

function settingProblems(draft: Draft): Problem[] {
  const problems: Problem[] = [];
  const tell = (attribute: string, message: string) => problems.push(of(attribute, message));
  if (draft.configuration !== 'DEFAULT' && !draft.chosenConfiguration) {
    const { newConfiguration, noConfiguration } = text.create.wrong;
    tell('configuration', draft.configuration === 'NEW' ? newConfiguration : noConfiguration);
  }
  if (hasStorageSize(draft) && !/^\d*$/.test(draft.storageSize.trim())) {
    tell('storageSize', text.create.wrong.storageSize);
  }
  const groups = hasSecurityGroups(draft) ? draft.securityGroups : [];
  const wrongGroup = groups.find((id) => !isResourceId(id, 'sg-'));
  if (wrongGroup !== undefined) tell('securityGroups', text.create.wrong.securityGroup(wrongGroup));
  else if (groups.length > MAX_SECURITY_GROUPS) {
    tell('securityGroups', text.create.wrong.tooManySecurityGroups(MAX_SECURITY_GROUPS));
  }
  const subnets = listOf(draft.subnetIds);
  const count = subnetCount(draft.deploymentMode);
  const isCluster = draft.deploymentMode === 'CLUSTER_MULTI_AZ';
  const wrongSubnet = subnets.find((id) => !isResourceId(id, 'subnet-'));
  if (wrongSubnet !== undefined) tell('subnetIds', text.create.wrong.subnet(wrongSubnet));
  else if (new Set(subnets).size < subnets.length) tell('subnetIds', text.create.wrong.sameSubnet);
  else if (subnets.length > count || (!isCluster && subnets.length > 0 && subnets.length !== count)) {
    tell('subnetIds', isCluster ? text.create.wrong.tooManySubnets(count) : text.create.wrong.subnetCount(count));
  }
  if (draft.encryption === 'CUSTOMER' && draft.kmsKeyId.trim() === '') {
    tell('encryptionOptions.kmsKeyId', text.create.wrong.required);
  }
  if (draft.window === 'CHOSEN' && !TIME.test(draft.timeOfDay)) {
    tell('maintenanceWindowStartTime.timeOfDay', text.create.wrong.time);
  }
  return problems;
}

function tagProblems({ tags }: Draft): Problem[] {
  const problems: Problem[] = [];
  const keys = new Set<string>();
  tags.forEach(({ key, value }, at) => {
    if (key === '' && value === '') return;
    const tell = (message: string) => problems.push({ attribute: 'tags', message, tag: at });
    if (key === '' || [...key].length > 128) tell(text.create.wrong.tagKey);
    else if (key.toLowerCase().startsWith('aws:')) tell(text.create.wrong.reservedTag);
    else if (keys.has(key)) tell(text.create.wrong.sameTag);
    else if ([...value].length > 256) tell(text.create.wrong.tagValue);
    keys.add(key);
  });
  if (keys.size > MAX_TAGS) problems.push(of('tags', text.create.wrong.tooManyTags(MAX_TAGS)));
  return problems;
}

/** An error of `POST /brokerd/v1/brokers/validate`, or of CreateBroker. */
export interface ServerError {
  attribute?: string | null | undefined;
  message: string;
}

/** A user's member, as the server names it: `users[1].password`. */
const OF_USER = /^users\[(\d+)\]\.(\w+)$/;
const MEMBERS_OF_USER = ['username', 'password', 'groups'];

/**
 * What the server adds: where this console has found something already, the server's words for it would be a second
 * telling of the same. CreateBroker names no place; a sole user is the one whom it means.
 */
export function withServer(local: Problem[], server: ServerError[], draft: Draft): Problem[] {
  const users = usersOf(draft);
  const placed = server.map(({ attribute, message }): Problem => {
    const [, place, member] = OF_USER.exec(attribute ?? '') ?? [];
    const isSole = users.length === 1 && MEMBERS_OF_USER.includes(attribute ?? '');
    const user = isSole ? users[0]?.key : users[Number(place ?? -1)]?.key;
    return { attribute: member ?? attribute ?? '', message, ...(user === undefined ? {} : { user }) };
  });
  const isAboutUsers = ({ attribute }: Problem) => attribute === 'users' || MEMBERS_OF_USER.includes(attribute);
  const isKnown = (problem: Problem) =>
    local.some(({ attribute, user }) =>
      // What is wrong with all users together may be what is wrong with one of them.
      isAboutUsers(problem) && problem.user === undefined
        ? isAboutUsers({ attribute, message: '' })
        : attribute === problem.attribute && user === problem.user,
    );
  return [...local, ...placed.filter((problem) => problem.attribute === '' || !isKnown(problem))];
}

/** Whether the draft has anything that its loss would be a pity for. */
export function hasEntries(draft: Draft): boolean {
  const entered = [
    draft.brokerName,
    draft.subnetIds,
    draft.kmsKeyId,
    draft.storageSize,
    ...draft.users.flatMap(({ username, password, groups }) => [username, password, groups]),
    ...Object.values(draft.ldap).filter((value) => typeof value === 'string'),
    ...draft.tags.flatMap(({ key, value }) => [key, value]),
    ...draft.securityGroups,
  ];
  return entered.some((value) => value !== '') || draft.chosenConfiguration !== undefined;
}
