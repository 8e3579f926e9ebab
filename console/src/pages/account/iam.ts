// The operations of IAM that these pages need, and their answers.
import { query, type QueryParameters } from '../../api/services';
import type { TagChanges } from '../../model/tagChanges';
import { allPages, type PageOf } from '../../shared/usePages';

/** The most items that the server gives at once. */
export const MAX_ON_A_PAGE = 1000;

export type Kind = 'user' | 'group' | 'role';

/** A user, group or role. */
export interface Identity {
  kind: Kind;
  name: string;
  path: string;
  id: string;
  arn: string;
  created: string;
  description?: string | undefined;
  /** Of a role: who may assume it. */
  trust?: string | undefined;
  /** Of a role: the longest session, in seconds. */
  longest?: number | undefined;
  boundary?: string | undefined;
  tags: Record<string, string>;
}

export interface Policy {
  name: string;
  arn: string;
  path: string;
  id: string;
  defaultVersion: string;
  attachments: number;
  created: string;
  updated: string;
  description?: string | undefined;
  tags: Record<string, string>;
}

export interface PolicyVersion {
  id: string;
  isDefault: boolean;
  created: string;
}

export interface Attached {
  name: string;
  arn: string;
}

export interface AccessKey {
  id: string;
  isActive: boolean;
  created: string;
}

const CAPITAL = { user: 'User', group: 'Group', role: 'Role' } as const;

/** Keys of queries. */
export const keys = {
  all: ['iam'] as const,
  list: (kind: Kind | 'policy') => ['iam', kind] as const,
  one: (kind: Kind | 'policy', name: string) => ['iam', kind, 'one', name] as const,
};

function child(element: Element | undefined, name: string): Element | undefined {
  return element && [...element.children].find(({ localName }) => localName === name);
}

/** The text of a member; undefined: it is not there. */
function told(element: Element | undefined, name: string): string | undefined {
  return child(element, name)?.textContent ?? undefined;
}

function said(element: Element | undefined, name: string): string {
  return told(element, name) ?? '';
}

function members(element: Element | undefined, name: string): Element[] {
  return [...(child(element, name)?.children ?? [])].filter(({ localName }) => localName === 'member');
}

function tagsOf(element: Element): Record<string, string> {
  return Object.fromEntries(members(element, 'Tags').map((tag) => [said(tag, 'Key'), said(tag, 'Value')]));
}

function next(result: Element): string | undefined {
  return told(result, 'IsTruncated') === 'true' ? told(result, 'Marker') : undefined;
}

function identity(kind: Kind, element: Element): Identity {
  const capital = CAPITAL[kind];
  const trust = told(element, 'AssumeRolePolicyDocument');
  const longest = told(element, 'MaxSessionDuration');
  return {
    kind,
    name: said(element, `${capital}Name`),
    path: said(element, 'Path'),
    id: said(element, `${capital}Id`),
    arn: said(element, 'Arn'),
    created: said(element, 'CreateDate'),
    description: told(element, 'Description'),
    trust: trust === undefined ? undefined : decodeURIComponent(trust),
    longest: longest === undefined ? undefined : Number(longest),
    boundary: told(child(element, 'PermissionsBoundary'), 'PermissionsBoundaryArn'),
    tags: tagsOf(element),
  };
}

function policy(element: Element): Policy {
  return {
    name: said(element, 'PolicyName'),
    arn: said(element, 'Arn'),
    path: said(element, 'Path'),
    id: said(element, 'PolicyId'),
    defaultVersion: said(element, 'DefaultVersionId'),
    attachments: Number(said(element, 'AttachmentCount')),
    created: said(element, 'CreateDate'),
    updated: said(element, 'UpdateDate'),
    description: told(element, 'Description'),
    tags: tagsOf(element),
  };
}

/** Calls an operation of IAM. */
const call = (action: string, parameters: QueryParameters = {}) => query('iam', action, parameters);

const named = (kind: Kind, name: string) => ({ [`${CAPITAL[kind]}Name`]: name });

async function page<T>(
  action: string,
  list: string,
  read: (element: Element) => T,
  parameters: QueryParameters,
  size: number,
  token: string | undefined,
): Promise<PageOf<T>> {
  const result = await call(action, { ...parameters, MaxItems: size, Marker: token });
  return { items: members(result, list).map(read), next: next(result) };
}

/** A page of users, groups or roles. */
export const listIdentities = (kind: Kind, size: number, token: string | undefined) =>
  page(`List${CAPITAL[kind]}s`, `${CAPITAL[kind]}s`, (one) => identity(kind, one), {}, size, token);

/** A page of managed policies. */
export const listPolicies = (scope: string, size: number, token: string | undefined) =>
  page('ListPolicies', 'Policies', policy, { Scope: scope }, size, token);

/** All of a list that is known to be short. */
const whole = <T>(action: string, list: string, read: (element: Element) => T, parameters: QueryParameters) =>
  allPages((token) => page(action, list, read, parameters, MAX_ON_A_PAGE, token));

export async function getIdentity(kind: Kind, name: string): Promise<Identity> {
  // Only a group brings a list, of which nothing is needed here.
  const fewest = kind === 'group' ? { MaxItems: 1 } : {};
  const result = await call(`Get${CAPITAL[kind]}`, { ...named(kind, name), ...fewest });
  return identity(kind, child(result, CAPITAL[kind]) ?? result);
}

export interface NewIdentity {
  name: string;
  path: string;
  description?: string;
  trust?: string;
}

export const createIdentity = (kind: Kind, { name, path, description, trust }: NewIdentity) =>
  call(`Create${CAPITAL[kind]}`, {
    ...named(kind, name),
    Path: path,
    Description: description || undefined,
    AssumeRolePolicyDocument: trust,
  });

/** Deletes a user, group or role with all that has to be taken from it before. */
export async function deleteIdentity(kind: Kind, name: string): Promise<void> {
  const about = named(kind, name);
  for (const { arn } of await listAttached(kind, name)) await detach(kind, name, arn);
  for (const inline of await listInline(kind, name)) await deleteInline(kind, name, inline);
  if (kind === 'user') {
    for (const { id } of await listKeys(name)) await deleteKey(name, id);
    for (const group of await groupsOf(name)) await leaveGroup(group.name, name);
  }
  if (kind === 'group') {
    for (const member of await membersOf(name)) await leaveGroup(name, member.name);
  }
  await call(`Delete${CAPITAL[kind]}`, about);
}

export const updateRole = (name: string, description: string, longest: number) =>
  call('UpdateRole', { RoleName: name, Description: description, MaxSessionDuration: longest });
export const updateTrust = (name: string, document: string) =>
  call('UpdateAssumeRolePolicy', { RoleName: name, PolicyDocument: document });

// Groups and their users.

export const membersOf = (group: string) =>
  whole('GetGroup', 'Users', (one) => identity('user', one), { GroupName: group });
export const pageOfMembers = (group: string, size: number, token: string | undefined) =>
  page('GetGroup', 'Users', (one) => identity('user', one), { GroupName: group }, size, token);
export const groupsOf = (user: string) =>
  whole('ListGroupsForUser', 'Groups', (one) => identity('group', one), { UserName: user });
export const joinGroup = (group: string, user: string) => call('AddUserToGroup', { GroupName: group, UserName: user });
export const leaveGroup = (group: string, user: string) =>
  call('RemoveUserFromGroup', { GroupName: group, UserName: user });

// Access keys. Without a name they are those of whoever asks.

export const listKeys = (user: string | undefined) =>
  whole(
    'ListAccessKeys',
    'AccessKeyMetadata',
    (one): AccessKey => ({
      id: said(one, 'AccessKeyId'),
      isActive: said(one, 'Status') === 'Active',
      created: said(one, 'CreateDate'),
    }),
    { UserName: user },
  );

export async function createKey(user: string | undefined): Promise<{ id: string; secret: string }> {
  const key = child(await call('CreateAccessKey', { UserName: user }), 'AccessKey');
  return { id: said(key, 'AccessKeyId'), secret: said(key, 'SecretAccessKey') };
}

export const setKeyActive = (user: string | undefined, id: string, isActive: boolean) =>
  call('UpdateAccessKey', { UserName: user, AccessKeyId: id, Status: isActive ? 'Active' : 'Inactive' });
export const deleteKey = (user: string | undefined, id: string) =>
  call('DeleteAccessKey', { UserName: user, AccessKeyId: id });

/** When and for what a key was last used; no time: never. */
export async function lastUse(id: string): Promise<{ at?: string | undefined; service: string; region: string }> {
  const used = child(await call('GetAccessKeyLastUsed', { AccessKeyId: id }), 'AccessKeyLastUsed');
  return { at: told(used, 'LastUsedDate'), service: said(used, 'ServiceName'), region: said(used, 'Region') };
}

// Policies of users, groups and roles.

const attachedOf = (one: Element): Attached => ({ name: said(one, 'PolicyName'), arn: said(one, 'PolicyArn') });

export const listAttached = (kind: Kind, name: string) =>
  whole(`ListAttached${CAPITAL[kind]}Policies`, 'AttachedPolicies', attachedOf, named(kind, name));
export const attach = (kind: Kind, name: string, arn: string) =>
  call(`Attach${CAPITAL[kind]}Policy`, { ...named(kind, name), PolicyArn: arn });
export const detach = (kind: Kind, name: string, arn: string) =>
  call(`Detach${CAPITAL[kind]}Policy`, { ...named(kind, name), PolicyArn: arn });
export const listInline = (kind: Kind, name: string) =>
  whole(`List${CAPITAL[kind]}Policies`, 'PolicyNames', (one) => one.textContent ?? '', named(kind, name));
export const putInline = (kind: Kind, name: string, inline: string, document: string) =>
  call(`Put${CAPITAL[kind]}Policy`, { ...named(kind, name), PolicyName: inline, PolicyDocument: document });
export const deleteInline = (kind: Kind, name: string, inline: string) =>
  call(`Delete${CAPITAL[kind]}Policy`, { ...named(kind, name), PolicyName: inline });

export async function getInline(kind: Kind, name: string, inline: string): Promise<string> {
  const result = await call(`Get${CAPITAL[kind]}Policy`, { ...named(kind, name), PolicyName: inline });
  return decodeURIComponent(said(result, 'PolicyDocument'));
}

export const putBoundary = (kind: 'user' | 'role', name: string, arn: string) =>
  call(`Put${CAPITAL[kind]}PermissionsBoundary`, { ...named(kind, name), PermissionsBoundary: arn });
export const deleteBoundary = (kind: 'user' | 'role', name: string) =>
  call(`Delete${CAPITAL[kind]}PermissionsBoundary`, named(kind, name));

// Managed policies.

export async function getPolicy(arn: string): Promise<Policy> {
  const result = await call('GetPolicy', { PolicyArn: arn });
  return policy(child(result, 'Policy') ?? result);
}

export async function createPolicy(name: string, path: string, description: string, document: string): Promise<Policy> {
  const result = await call('CreatePolicy', {
    PolicyName: name,
    Path: path,
    Description: description || undefined,
    PolicyDocument: document,
  });
  return policy(child(result, 'Policy') ?? result);
}

export const listVersions = (arn: string) =>
  whole(
    'ListPolicyVersions',
    'Versions',
    (one): PolicyVersion => ({
      id: said(one, 'VersionId'),
      isDefault: said(one, 'IsDefaultVersion') === 'true',
      created: said(one, 'CreateDate'),
    }),
    { PolicyArn: arn },
  );

export async function getVersion(arn: string, version: string): Promise<string> {
  const result = await call('GetPolicyVersion', { PolicyArn: arn, VersionId: version });
  return decodeURIComponent(said(child(result, 'PolicyVersion'), 'Document'));
}

export async function createVersion(arn: string, document: string): Promise<string> {
  const parameters = { PolicyArn: arn, PolicyDocument: document, SetAsDefault: true };
  return said(child(await call('CreatePolicyVersion', parameters), 'PolicyVersion'), 'VersionId');
}

export const setDefaultVersion = (arn: string, version: string) =>
  call('SetDefaultPolicyVersion', { PolicyArn: arn, VersionId: version });
export const deleteVersion = (arn: string, version: string) =>
  call('DeletePolicyVersion', { PolicyArn: arn, VersionId: version });

/** Deletes a policy with its versions. */
export async function deletePolicy(arn: string): Promise<void> {
  for (const version of await listVersions(arn)) if (!version.isDefault) await deleteVersion(arn, version.id);
  await call('DeletePolicy', { PolicyArn: arn });
}

/** Who has a policy. */
export async function entitiesOf(arn: string): Promise<{ kind: Kind; name: string }[]> {
  return allPages(async (token) => {
    const result = await call('ListEntitiesForPolicy', { PolicyArn: arn, Marker: token, MaxItems: MAX_ON_A_PAGE });
    const of = (kind: Kind) =>
      members(result, `Policy${CAPITAL[kind]}s`).map((one) => ({ kind, name: said(one, `${CAPITAL[kind]}Name`) }));
    return { items: [...of('user'), ...of('group'), ...of('role')], next: next(result) };
  });
}

// Tags.

export async function changeTagsOf(
  about: { kind: 'user' | 'role'; name: string } | { kind: 'policy'; arn: string },
  { set, removed }: TagChanges,
): Promise<void> {
  const noun = about.kind === 'policy' ? 'Policy' : CAPITAL[about.kind];
  const target: QueryParameters = about.kind === 'policy' ? { PolicyArn: about.arn } : named(about.kind, about.name);
  const pairs = Object.entries(set).flatMap(([key, value], at) => [
    [`Tags.member.${at + 1}.Key`, key],
    [`Tags.member.${at + 1}.Value`, value],
  ]);
  // First what makes room: there may be as many as there can be.
  if (removed.length) await call(`Untag${noun}`, { ...target, TagKeys: removed });
  if (pairs.length) await call(`Tag${noun}`, { ...target, ...Object.fromEntries(pairs) });
}

// What somebody would be permitted.

export interface Question {
  principal: string;
  actions: string[];
  resources: string[];
  context: { key: string; values: string[] }[];
}

export interface Position {
  line: number;
  column: number;
}

export interface Decision {
  action: string;
  resource: string;
  decision: 'allowed' | 'explicitDeny' | 'implicitDeny';
  matched: { policy: string; start?: Position | undefined; end?: Position | undefined }[];
  missing: string[];
  /** Whether the permissions boundary permits it; undefined: there is none. */
  isWithinBoundary?: boolean | undefined;
}

export async function simulate({ principal, actions, resources, context }: Question): Promise<Decision[]> {
  const entries = context.flatMap(({ key, values }, at) => {
    const entry = `ContextEntries.member.${at + 1}`;
    const type = values.length > 1 ? 'stringList' : 'string';
    const named = values.map((value, number) => [`${entry}.ContextKeyValues.member.${number + 1}`, value]);
    return [[`${entry}.ContextKeyName`, key], [`${entry}.ContextKeyType`, type], ...named];
  });
  const parameters = {
    PolicySourceArn: principal,
    ActionNames: actions,
    ResourceArns: resources,
    ...Object.fromEntries(entries),
  };
  return whole('SimulatePrincipalPolicy', 'EvaluationResults', decision, parameters);
}

function decision(element: Element): Decision {
  const position = (one: Element, name: string): Position | undefined => {
    const place = child(one, name);
    return place && { line: Number(said(place, 'Line')), column: Number(said(place, 'Column')) };
  };
  const boundary = told(child(element, 'PermissionsBoundaryDecisionDetail'), 'AllowedByPermissionsBoundary');
  return {
    action: said(element, 'EvalActionName'),
    resource: said(element, 'EvalResourceName'),
    decision: said(element, 'EvalDecision') as Decision['decision'],
    matched: members(element, 'MatchedStatements').map((one) => ({
      policy: said(one, 'SourcePolicyId'),
      start: position(one, 'StartPosition'),
      end: position(one, 'EndPosition'),
    })),
    missing: members(element, 'MissingContextValues').map((one) => one.textContent ?? ''),
    isWithinBoundary: boundary === undefined ? undefined : boundary === 'true',
  };
}

/** The documents of a principal's policies, by the identifiers that decisions have. */
export async function documentsOf(principal: Pick<Identity, 'kind' | 'name'>): Promise<Map<string, string>> {
  const holders: Pick<Identity, 'kind' | 'name'>[] = [principal];
  if (principal.kind === 'user') holders.push(...(await groupsOf(principal.name)));
  const documents = new Map<string, string>();
  for (const { kind, name } of holders) {
    for (const { name: title, arn } of await listAttached(kind, name)) {
      const { defaultVersion } = await getPolicy(arn);
      documents.set(title, await getVersion(arn, defaultVersion));
    }
    for (const inline of await listInline(kind, name)) {
      documents.set(`${kind}_${name}_${inline}`, await getInline(kind, name, inline));
    }
  }
  return documents;
}

/** How many there are of everything, and may be. */
export async function accountSummary(): Promise<Map<string, number>> {
  const entries = [...(child(await call('GetAccountSummary'), 'SummaryMap')?.children ?? [])];
  return new Map(entries.map((entry) => [said(entry, 'key'), Number(said(entry, 'value'))]));
}
