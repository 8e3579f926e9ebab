// An installation for the tests of the operator's page.
import { refused, SESSION } from './support/index.mjs';

const account = (accountId, name, more = {}) => ({
  accountId,
  arn: `arn:aws:account::${accountId}:account`,
  name,
  state: 'ACTIVE',
  quotas: {},
  created: '2026-03-01T10:00:00Z',
  ...more,
});

const HISTORY = {
  from: '2026-11-01T00:00:00Z',
  to: '2026-11-29T00:00:00Z',
  currency: 'USD',
  total: { cost: '211.24', missing: ['Storage of mq.t3.micro has no price.'] },
  periods: [],
  brokers: [],
  availability: {},
};

/** The answers about accounts, of which `state.accounts` are there. */
export function accountsOf(state) {
  state.accounts ??= [
    account(SESSION.accountId, 'default'),
    account('210987654321', 'team-red', { quotas: { brokers: 20, memoryMib: 65_536, storageGib: 2000, apiRate: 15 } }),
    account('333333333333', 'team-blue', { state: 'SUSPENDED' }),
  ];
  const find = ({ parameters }) => state.accounts.find(({ accountId }) => accountId === parameters['account-id']);
  return {
    'GET /brokerd/v1/accounts': ({ query }) => {
      // Two pages, however many there are.
      const sorted = [...state.accounts].sort((one, other) => one.name.localeCompare(other.name));
      if (query.get('nextToken')) return { body: { accounts: sorted.slice(1) } };
      return { body: { accounts: sorted.slice(0, 1), nextToken: 'next' } };
    },
    'POST /brokerd/v1/accounts': ({ body }) => {
      if (state.accounts.some(({ name }) => name === body.name)) {
        return refused(409, 'ConflictException', `Another account has the name [${body.name}].`, 'name');
      }
      const created = account(body.accountId ?? '444444444444', body.name, { quotas: body.quotas });
      state.accounts.push(created);
      return { body: created };
    },
    'PUT /brokerd/v1/accounts/{account-id}': (call) => {
      Object.assign(find(call), call.body);
      return { body: find(call) };
    },
    'DELETE /brokerd/v1/accounts/{account-id}': (call) => {
      const { accountId } = find(call);
      if (state.inUse) return refused(409, 'ConflictException', `Account ID [${accountId}] still has brokers.`);
      state.accounts = state.accounts.filter((one) => one.accountId !== accountId);
      return { status: 204 };
    },
    'GET /brokerd/v1/accounts/{account-id}/usage': (call) => {
      const { accountId, quotas } = find(call);
      const of = (used, quota) => (quota === undefined ? { used } : { used, quota });
      return {
        body: {
          accountId,
          brokers: of(5, quotas.brokers),
          memoryMib: of(20_480, quotas.memoryMib),
          storageGib: of(1000, quotas.storageGib),
          ...(call.query.get('from') ? { history: HISTORY } : {}),
        },
      };
    },
  };
}

const GIB = 2 ** 30;
export const CAPACITY = {
  reservedMemoryBytes: 8 * GIB,
  waitingMemoryBytes: 0,
  waitingBrokers: 0,
  brokers: { used: 3 },
  memoryMib: { used: 8192 },
  storageGib: { used: 600 },
  waitSeconds: 900,
  scale: 0.5,
  host: {
    usableMemoryBytes: 28 * GIB,
    reservedMemoryBytes: 21 * GIB,
    waitingMemoryBytes: 4 * GIB,
    waitingBrokers: 2,
  },
};

export const VERSIONS = {
  engineVersions: [
    {
      engineType: 'ACTIVEMQ',
      engineVersion: '5.19',
      trueVersion: '5.19.2',
      image: 'brokerd/activemq:5.19',
      modules: { 'activemq-client': '5.19.2', 'jetty-server': '9.4.58', 'spring-core': '5.3.39' },
      advisories: [
        {
          id: 'CVE-2026-39304',
          module: 'activemq-client',
          moduleVersion: '5.19.2',
          fixedIn: ['5.19.4', '6.2.2'],
          summary: 'A client that may send can exhaust the memory of the broker.',
          mitigation: 'The launcher limits the size of frames.',
        },
        {
          id: 'CVE-2024-38820',
          module: 'spring-core',
          moduleVersion: '5.3.39',
          fixedIn: ['6.1.14'],
          summary: 'Fields that are not allowed can be bound in some locales.',
        },
      ],
    },
    {
      engineType: 'ACTIVEMQ',
      engineVersion: '5.18',
      trueVersion: '5.18.7',
      image: 'docker.io/apache/activemq-classic:5.18.7',
      modules: {},
      notice: 'The image has no launcher of brokerd: brokers of it tell no metrics of their queues.',
    },
    {
      engineType: 'RABBITMQ',
      engineVersion: '4.3',
      trueVersion: '4.3.1',
      image: 'brokerd/rabbitmq:4.3',
      modules: { rabbitmq: '4.3.1', erlang: '27.3' },
      advisories: [],
    },
  ],
};

/** Two certificates, as `GET /brokerd/v1/ca.pem` gives them. */
export const CA = `-----BEGIN CERTIFICATE-----
MIIBpDCCAUmgAwIBAgIUHba7pGbOwUXbJyUbWIj9nLoO1ZMwCgYIKoZIzj0EAwIw
JzEQMA4GA1UECgwHYnJva2VyZDETMBEGA1UEAwwKYnJva2VyZCBDQTAeFw0yNjEx
MjkwODI3MDhaFw0zNjExMjYwODI3MDhaMCcxEDAOBgNVBAoMB2Jyb2tlcmQxEzAR
BgNVBAMMCmJyb2tlcmQgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARUXAb4
cgdJxMfrZjfaB4bELnD+LzvxUE1WfwgK3kqtppufSNc3zbKLsIzCwACaCuH0s0Nh
c+oIIDS5V5efzeYIo1MwUTAdBgNVHQ4EFgQUnfRrrgGy89A+cE3pk41og2JWH2Iw
HwYDVR0jBBgwFoAUnfRrrgGy89A+cE3pk41og2JWH2IwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAyKwj0ib/1sTjctF2hLYpz5vSVYiFvFzvlToG
PYTDuMICIQC5zu4w5vvdqL7p2Ivt6RtdwFxu+hiUnNdXPNohz/Ha+g==
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIBhDCCASugAwIBAgIUYUVrvhuSP6+KeA8+Hk0HJZ39NPswCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMYnJva2VyZCBDQSAyMCAXDTI2MTEyOTA4MjcwOFoYDzIwNTQw
NDE1MDgyNzA4WjAXMRUwEwYDVQQDDAxicm9rZXJkIENBIDIwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASOWxidxQ7JU/FrCTA37WlK/Q+Lb5vyoZagFRPtci94N8jE
dwkragXtnl3wveIt4We0AbGHT3WMDlQLTsSTyPZ8o1MwUTAdBgNVHQ4EFgQUHqgj
RTNj39ep2oczYd7n3EhzkPcwHwYDVR0jBBgwFoAUHqgjRTNj39ep2oczYd7n3Ehz
kPcwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBc0ib9My8xq//1
QZJcjljOqcQ1a2cK5EJ+04SY9UgYTwIgb81gKyz6caX4Frd/YoFPH4iAuyDyoJS0
x/ikQCb3N9s=
-----END CERTIFICATE-----
`;

const PROVISIONER = 'w-11111111-1111-4111-8111-111111111111';
const passOf = (name, state, more = {}) => ({
  brokerId: `b-${name}`,
  brokerName: name,
  accountId: '210987654321',
  region: 'us-east-1',
  state,
  lane: 'NORMAL',
  failedAttempts: 0,
  due: '2026-11-29T11:59:58Z',
  ...more,
});

export const PROVISIONERS = {
  provisioners: [
    { provisionerId: PROVISIONER, state: 'ALIVE', seen: '2026-11-29T11:59:59Z', brokers: 41, runningPasses: 1 },
    {
      provisionerId: 'w-22222222-2222-4222-8222-222222222222',
      state: 'DEAD',
      seen: '2026-11-29T11:58:00Z',
      brokers: 3,
      runningPasses: 0,
    },
  ],
  passCounts: { running: 1, due: 101, retrying: 1, scheduled: 40 },
  passes: [
    passOf('orders', 'RUNNING', { lane: 'URGENT', provisionerId: PROVISIONER }),
    passOf('billing', 'DUE'),
    passOf('stuck', 'RETRYING', { failedAttempts: 4, due: '2026-11-29T12:01:20Z', provisionerId: PROVISIONER }),
  ],
};
