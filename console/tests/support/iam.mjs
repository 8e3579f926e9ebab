// An account of IAM for the tests of pages: users, groups, roles, policies, usage, events.

export const ACCOUNT = '123456789012';
const CREATED = '2026-11-01T09:00:00Z';

const escaped = (text) => String(text).replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[one]);

/** Elements from a document: lists become members. */
function xml(value) {
  if (Array.isArray(value)) return value.map((one) => `<member>${xml(one)}</member>`).join('');
  if (typeof value !== 'object' || value === null) return escaped(value);
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => `<${name}>${xml(one)}</${name}>`)
    .join('');
}

/** The answer of an operation in the query protocol. */
export function answer(operation, result = {}) {
  const inner = `<${operation}Result>${xml(result)}</${operation}Result>`;
  const namespace = 'https://iam.amazonaws.com/doc/2010-05-08/';
  return { body: `<${operation}Response xmlns="${namespace}">${inner}</${operation}Response>` };
}

function failure(status, code, message) {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body: `<ErrorResponse>${error}</ErrorResponse>` };
}

const document = (actions) =>
  JSON.stringify(
    { Version: '2012-10-17', Statement: [{ Sid: 'One', Effect: 'Allow', Action: actions, Resource: '*' }] },
    null,
    2,
  );
const REBOOT = document(['mq:RebootBroker']);
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' }],
});

const user = (name) => ({
  Path: '/',
  UserName: name,
  UserId: `AIDA${name.toUpperCase()}`,
  Arn: `arn:aws:iam::${ACCOUNT}:user/${name}`,
  CreateDate: CREATED,
});
const group = (name) => ({
  Path: '/',
  GroupName: name,
  GroupId: `AGPA${name.toUpperCase()}`,
  Arn: `arn:aws:iam::${ACCOUNT}:group/${name}`,
  CreateDate: CREATED,
});
const role = {
  Path: '/',
  RoleName: 'deployer',
  RoleId: 'AROADEPLOYER',
  Arn: `arn:aws:iam::${ACCOUNT}:role/deployer`,
  CreateDate: CREATED,
  AssumeRolePolicyDocument: encodeURIComponent(TRUST),
  Description: 'For the pipeline',
  MaxSessionDuration: 3600,
};
const policy = (name) => ({
  PolicyName: name,
  PolicyId: `ANPA${name.toUpperCase()}`,
  Arn: `arn:aws:iam::${ACCOUNT}:policy/${name}`,
  Path: '/',
  DefaultVersionId: 'v2',
  AttachmentCount: 1,
  IsAttachable: true,
  CreateDate: CREATED,
  UpdateDate: '2026-11-10T09:00:00Z',
});

const event = (EventName, more = {}) => ({
  EventId: `e-${EventName}`,
  EventName,
  ReadOnly: 'false',
  EventTime: 1_795_900_000,
  EventSource: 'amazonmq.amazonaws.com',
  Username: 'alice',
  Resources: [{ ResourceName: 'b-1234', ResourceType: 'AWS::AmazonMQ::Broker' }],
  CloudTrailEvent: JSON.stringify({ eventVersion: '1.11', eventName: EventName, ...more }),
});

/** An account whose users, keys and answers a test may look at and change. */
export function world() {
  const filler = Array.from({ length: 25 }, (_, at) => `user-${at + 1}`);
  const state = {
    users: new Map(['alice', 'bob', ...filler].map((name) => [name, user(name)])),
    keys: [{ id: 'AKIAALICE00000000001', status: 'Active' }],
    /** Why documents are refused; undefined: they are not. */
    refusal: undefined,
    version: 'v2',
  };
  const parameters = ({ text }) => new URLSearchParams(text);
  const end = { IsTruncated: false };
  const keysOf = (list) => list.map(({ id, status }) => ({ AccessKeyId: id, Status: status, CreateDate: CREATED }));
  const nothing = (operation) => () => answer(operation);
  const iam = {
    ListUsers: (request) => {
      const wanted = parameters(request);
      const all = [...state.users.values()];
      const from = Number(wanted.get('Marker') ?? 0);
      const to = from + Number(wanted.get('MaxItems') ?? 100);
      const isTruncated = to < all.length;
      return answer('ListUsers', {
        Users: all.slice(from, to),
        IsTruncated: isTruncated,
        ...(isTruncated ? { Marker: to } : {}),
      });
    },
    GetUser: (request) => {
      const found = state.users.get(parameters(request).get('UserName'));
      if (!found) return failure(404, 'NoSuchEntity', 'The user cannot be found.');
      return answer('GetUser', { User: { ...found, Tags: [{ Key: 'team', Value: 'red' }] } });
    },
    CreateUser: (request) => {
      const name = parameters(request).get('UserName');
      if (state.users.has(name)) {
        return failure(409, 'EntityAlreadyExists', `User with name ${name} already exists.`);
      }
      state.users.set(name, user(name));
      return answer('CreateUser', { User: user(name) });
    },
    ListGroups: () => answer('ListGroups', { Groups: [group('developers')], ...end }),
    GetGroup: () => answer('GetGroup', { Group: group('developers'), Users: [user('alice')], ...end }),
    ListGroupsForUser: () => answer('ListGroupsForUser', { Groups: [group('developers')], ...end }),
    ListRoles: () => answer('ListRoles', { Roles: [role], ...end }),
    GetRole: () => answer('GetRole', { Role: role }),
    ListAccessKeys: (request) => {
      const isOwn = !parameters(request).has('UserName');
      const own = [{ id: 'AKIAIOSFODNN7EXAMPLE', status: 'Active' }];
      return answer('ListAccessKeys', { AccessKeyMetadata: keysOf(isOwn ? own : state.keys), ...end });
    },
    GetAccessKeyLastUsed: () =>
      answer('GetAccessKeyLastUsed', {
        UserName: 'alice',
        AccessKeyLastUsed: { LastUsedDate: '2026-11-20T09:00:00Z', ServiceName: 'mq', Region: 'eu-central-1' },
      }),
    CreateAccessKey: () => {
      state.keys.push({ id: 'AKIANEW0000000000002', status: 'Active' });
      const AccessKey = { AccessKeyId: 'AKIANEW0000000000002', Status: 'Active', SecretAccessKey: 'secret-of-new' };
      return answer('CreateAccessKey', { AccessKey });
    },
    UpdateAccessKey: (request) => {
      const wanted = parameters(request);
      const key = state.keys.find(({ id }) => id === wanted.get('AccessKeyId'));
      key.status = wanted.get('Status');
      return answer('UpdateAccessKey');
    },
    DeleteAccessKey: (request) => {
      state.keys = state.keys.filter(({ id }) => id !== parameters(request).get('AccessKeyId'));
      return answer('DeleteAccessKey');
    },
    ListPolicies: () => answer('ListPolicies', { Policies: [policy('Operators'), policy('Readers')], ...end }),
    GetPolicy: () => answer('GetPolicy', { Policy: { ...policy('Readers'), DefaultVersionId: state.version } }),
    GetPolicyVersion: () =>
      answer('GetPolicyVersion', {
        PolicyVersion: { Document: encodeURIComponent(document(['mq:Describe*', 'mq:List*'])), VersionId: 'v2' },
      }),
    ListPolicyVersions: () =>
      answer('ListPolicyVersions', {
        Versions: [
          { VersionId: 'v2', IsDefaultVersion: true, CreateDate: CREATED },
          { VersionId: 'v1', IsDefaultVersion: false, CreateDate: CREATED },
        ],
        ...end,
      }),
    CreatePolicyVersion: () => {
      if (state.refusal) return failure(400, 'MalformedPolicyDocument', state.refusal);
      state.version = 'v3';
      return answer('CreatePolicyVersion', { PolicyVersion: { VersionId: 'v3', IsDefaultVersion: true } });
    },
    ListEntitiesForPolicy: () =>
      answer('ListEntitiesForPolicy', {
        PolicyGroups: [],
        PolicyUsers: [{ UserName: 'alice' }],
        PolicyRoles: [],
        ...end,
      }),
    SimulatePrincipalPolicy: () =>
      answer('SimulatePrincipalPolicy', {
        EvaluationResults: [
          {
            EvalActionName: 'mq:RebootBroker',
            EvalResourceName: '*',
            EvalDecision: 'allowed',
            MatchedStatements: [
              {
                SourcePolicyId: 'user_alice_reboot',
                SourcePolicyType: 'IAM Policy',
                StartPosition: { Line: 4, Column: 5 },
                EndPosition: { Line: 11, Column: 5 },
              },
            ],
            MissingContextValues: [],
          },
          {
            EvalActionName: 'mq:DeleteBroker',
            EvalResourceName: '*',
            EvalDecision: 'implicitDeny',
            MatchedStatements: [],
            MissingContextValues: ['aws:SourceIp'],
          },
        ],
        ...end,
      }),
    GetAccountSummary: () => {
      const entries = { Users: 27, UsersQuota: 5000, Groups: 1, GroupsQuota: 300, Roles: 1, RolesQuota: 1000 };
      const all = Object.entries({ ...entries, Policies: 2, PoliciesQuota: 1500 });
      const map = all.map(([key, value]) => `<entry><key>${key}</key><value>${value}</value></entry>`).join('');
      const result = answer('GetAccountSummary', { SummaryMap: '' });
      return { body: result.body.replace('<SummaryMap>', `<SummaryMap>${map}`) };
    },
  };
  for (const kind of ['User', 'Group', 'Role']) {
    iam[`ListAttached${kind}Policies`] = () =>
      answer(`ListAttached${kind}Policies`, {
        AttachedPolicies: [{ PolicyName: 'Readers', PolicyArn: `arn:aws:iam::${ACCOUNT}:policy/Readers` }],
        ...end,
      });
    iam[`List${kind}Policies`] = () =>
      answer(`List${kind}Policies`, { PolicyNames: kind === 'User' ? ['reboot'] : [], ...end });
    iam[`Attach${kind}Policy`] = nothing(`Attach${kind}Policy`);
    iam[`Detach${kind}Policy`] = nothing(`Detach${kind}Policy`);
    iam[`Put${kind}Policy`] = nothing(`Put${kind}Policy`);
    iam[`Get${kind}Policy`] = () => answer(`Get${kind}Policy`, { PolicyDocument: encodeURIComponent(REBOOT) });
  }
  const availability = {
    percentage: '99.9953',
    availableMinutes: 9,
    unavailableMinutes: 0,
    unknownMinutes: 0,
    unavailableSeconds: 0,
    unknownSeconds: 0,
  };
  const broker = (brokerName, cost, deleted) => ({
    brokerId: `b-${brokerName}`,
    brokerName,
    region: 'eu-central-1',
    engineType: 'RabbitMQ',
    created: CREATED,
    tags: {},
    availability,
    lines: [],
    missing: [],
    cost,
    ...(deleted ? { deleted } : {}),
  });
  const month = (from, to, cost) => ({ from, to, cost, missing: [] });
  state.answers = {
    ...Object.fromEntries(Object.entries(iam).map(([operation, call]) => [`iam:${operation}`, call])),
    'GET /brokerd/v1/accounts/{account-id}/usage': ({ query }) => ({
      body: {
        accountId: ACCOUNT,
        brokers: { used: 3, quota: 10 },
        memoryMib: { used: 8192, quota: 32_768 },
        storageGib: { used: 120 },
        history: {
          from: '2026-09-01T00:00:00Z',
          to: '2026-11-20T00:00:00Z',
          currency: 'USD',
          total: { cost: '211.24', missing: [] },
          availability,
          periods: [
            month('2026-09-01T00:00:00Z', '2026-10-01T00:00:00Z', '40.10'),
            month('2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z', '91.00'),
            month('2026-11-01T00:00:00Z', '2026-11-20T00:00:00Z', '80.14'),
          ],
          brokers: [broker('orders', '200.00'), broker('former', '11.24', '2026-10-20T00:00:00Z')],
          ...(query.get('tag')
            ? {
                tags: [
                  { value: 'red', cost: '200.00', missing: [] },
                  { cost: '11.24', missing: [] },
                ],
              }
            : {}),
        },
      },
    }),
    'cloudtrail:LookupEvents': ({ body }) => {
      const all = [event('DeleteBroker', { errorCode: 'AccessDenied' }), event('RebootBroker')];
      const wanted = body.LookupAttributes?.[0]?.AttributeValue;
      return { body: { Events: all.filter(({ EventName }) => !wanted || EventName === wanted) } };
    },
  };
  return state;
}
