// Every text is read by the real parser of its language, and has to say what the request says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { parse } from 'yaml';
import { newDraft, newUser, requestOf, type CreateBrokerRequest, type Draft } from '../create/draft';
import { equivalent, LANGUAGES } from '.';
import { shellWord } from './cli';
import { pythonText } from './python';
import { hclText } from './terraform';
import { yamlText } from './cloudformation';

const THERE = { region: 'eu-central-1', apiUrl: 'http://127.0.0.1:8642' };
const PASSWORD = 'correct "horse" \\battery$`!\'';

/** What no quoting should let through. */
const NASTY = [
  '',
  ' ',
  "it's",
  '"',
  '\\',
  '\\"',
  "'; touch x; '",
  '$HOME',
  '${x}',
  '%{if}',
  '$${x}',
  '`id`',
  '$(id)',
  '!',
  '!!',
  '#',
  '-x',
  '--help',
  'a b',
  'true',
  'no',
  '1',
  '5.10',
  '02:00',
  '~',
  'null',
  '*',
  '&a',
  '{a: b}',
  '[x]',
  '- x',
  'a: b',
  'ä€😀',
  '\t',
  '\u0085',
  '\u2028',
  '<&>',
  '%',
  '@x',
  '=',
];
/** Half of a character, which only escapes can say. */
const HALF = '\ud800';

function draft(changes: Partial<Draft>): Draft {
  return { ...newDraft(), brokerName: 'orders', engineVersion: '5.19', hostInstanceType: 'mq.m5.large', ...changes };
}

const activemq = draft({
  deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
  users: [
    { ...newUser(0), username: 'alice', password: PASSWORD, groups: 'admins, ops', consoleAccess: true },
    { ...newUser(1), username: 'a-b', password: PASSWORD },
    { ...newUser(2), username: 'A_B', password: PASSWORD },
    { ...newUser(3), username: 'ab', password: PASSWORD },
    { ...newUser(4), username: '7~', password: PASSWORD },
  ],
  configuration: 'EXISTING',
  chosenConfiguration: { id: 'c-1234', revision: 3 },
  generalLogs: true,
  auditLogs: true,
  publiclyAccessible: true,
  securityGroups: ['sg-1', 'sg-2'],
  subnetIds: 'subnet-a, subnet-b',
  encryption: 'CUSTOMER',
  kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/x',
  window: 'CHOSEN',
  timeZone: 'Europe/Berlin',
  tags: NASTY.filter((key) => key !== '').map((key) => ({ key, value: key })),
});
const ldap = draft({
  authenticationStrategy: 'LDAP',
  ldap: {
    ...newDraft().ldap,
    hosts: 'ldap.example.org',
    serviceAccountUsername: "cn=reader,o='x'",
    serviceAccountPassword: PASSWORD,
    userBase: 'ou=people',
    userSearchMatching: '(uid={0})',
    roleBase: 'ou=groups',
    roleSearchMatching: '(member:=uid={1})',
    roleName: '${cn}',
  },
});
const rabbitmq = draft({
  engineType: 'RABBITMQ',
  engineVersion: '4.3',
  deploymentMode: 'CLUSTER_MULTI_AZ',
  hostInstanceType: 'mq.m7g.medium',
  storageType: 'EBS',
  storageSize: '10',
  autoMinorVersionUpgrade: false,
  users: [{ ...newUser(0), username: 'admin', password: PASSWORD }],
});
const nothing = { ...newDraft(), users: [{ ...newUser(0), password: PASSWORD }] };
const REQUESTS = Object.entries({ activemq, ldap, rabbitmq, nothing }).map(
  ([name, of]) => [name, requestOf(of)] as const,
);

/** The members of a request with the names of the service's model. */
function modelled(value: unknown, isTags = false): unknown {
  if (Array.isArray(value)) return value.map((one) => modelled(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      isTags ? name : name.charAt(0).toUpperCase() + name.slice(1),
      modelled(one, name === 'tags'),
    ]),
  );
}

function run(command: string, args: string[], input: string, environment: Record<string, string> = {}): string {
  const done = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...environment },
  });
  assert.equal(done.status, 0, `${command}: ${done.stderr}\n${input}`);
  return done.stdout;
}

/** The variables that a text asks for, all with the password. */
function environment(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\b([A-Z0-9_]+_PASSWORD)\b/g)].map(([, name]) => [name ?? '', PASSWORD]));
}

test('no text has a password', () => {
  for (const [name, request] of REQUESTS) {
    for (const language of LANGUAGES) {
      const text = equivalent(language, request, THERE);
      assert.ok(!/horse|battery/.test(text), `${name} in ${language}`);
    }
  }
});

for (const shell of ['bash', 'sh']) {
  test(`the command calls the AWS CLI with what the request says, in ${shell}`, () => {
    for (const [name, request] of REQUESTS) {
      const text = equivalent('cli', request, THERE);
      run(shell, ['-n'], text);
      const stub = `aws() { for word; do printf '%s\\0' "$word"; done; }\n`;
      const words = run(shell, ['-s'], stub + text, environment(text))
        .split('\0')
        .slice(0, -1);
      assert.deepEqual(words.slice(0, 2), ['mq', 'create-broker'], name);
      assert.deepEqual(read(words.slice(2)), {
        EndpointUrl: THERE.apiUrl,
        Region: THERE.region,
        ...(modelled(request) as object),
      });
    }
  });
}

/** The options of a command as the AWS CLI reads them. */
function read(words: string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let at = 0; at < words.length;) {
    const word = words[at] ?? '';
    assert.match(word, /^--/);
    const isNegated = word.startsWith('--no-');
    const [option = '', joined] = word.replace(/^--(no-)?/, '').split('=');
    const name = option.replace(/(^|-)([a-z])/g, (_, _hyphen, letter: string) => letter.toUpperCase());
    const values: string[] = joined === undefined ? [] : [joined];
    for (at += 1; at < words.length && !(words[at] ?? '').startsWith('--'); at += 1) values.push(words[at] ?? '');
    const isList = name === 'SecurityGroups' || name === 'SubnetIds';
    const isDocument = /^[[{]/.test(values[0] ?? '');
    options[name] = isList
      ? values
      : isDocument
        ? JSON.parse(values[0] ?? '')
        : values.length === 0
          ? !isNegated
          : name === 'StorageSize'
            ? Number(values[0])
            : values[0];
  }
  return options;
}

test('a word of the shell is taken as it is', () => {
  for (const nasty of NASTY) {
    assert.equal(run('bash', ['-s'], `printf '%s' ${shellWord(nasty)}`), nasty);
  }
  assert.equal(shellWord('mq.m5.large'), 'mq.m5.large');
});

test('a name that looks like an option is not taken for one', () => {
  const request = { ...requestOf(rabbitmq), brokerName: '-x' };
  assert.match(equivalent('cli', request, THERE), /--broker-name='-x'/);
});

test('the program for Python calls boto3 with what the request says', () => {
  const harness = `
import ast, json, os, sys, types
source = sys.stdin.read()
ast.parse(source)
calls = []
class Client:
    def create_broker(self, **members):
        calls.append(members)
        return {"BrokerId": "b-1"}
def client(service, region_name, endpoint_url):
    calls.append([service, region_name, endpoint_url])
    return Client()
module = types.ModuleType("boto3")
module.client = client
sys.modules["boto3"] = module
out, sys.stdout = sys.stdout, sys.stderr
exec(compile(source, "generated", "exec"), {})
print(json.dumps(calls), file=out)
`;
  for (const [name, request] of REQUESTS) {
    const text = equivalent('boto3', request, THERE);
    const calls = JSON.parse(run('python3', ['-c', harness], text, environment(text))) as unknown[];
    assert.deepEqual(calls, [['mq', THERE.region, THERE.apiUrl], modelled(request)], name);
    assert.ok(!text.includes('os.') || text.includes('import os'), name);
  }
});

test('a text of Python is taken as it is', () => {
  for (const nasty of [...NASTY, HALF]) {
    const program = `import ast, json, sys\nprint(json.dumps(ast.literal_eval(sys.stdin.read())))`;
    assert.equal(JSON.parse(run('python3', ['-c', program], pythonText(nasty))), nasty);
  }
});

test('the template of CloudFormation has what the request says', () => {
  for (const version of ['1.1', '1.2'] as const) {
    for (const [name, request] of REQUESTS) {
      const template = parse(equivalent('cloudformation', request, THERE), { version }) as Template;
      assert.equal(template.AWSTemplateFormatVersion, '2010-09-09');
      const { Type, Properties } = template.Resources.Broker;
      assert.equal(Type, 'AWS::AmazonMQ::Broker');
      const { Tags = [], ...members } = withPasswords(Properties) as Record<string, unknown> & { Tags?: Tag[] };
      const { tags = {}, storageSize: _, ...expected } = request;
      assert.deepEqual(members, modelled(expected), name);
      assert.deepEqual(Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])), tags, name);
      const parameters = Object.values(template.Parameters ?? {});
      assert.ok(parameters.every(({ Type: type, NoEcho }) => type === 'String' && NoEcho === true));
      const used = [...JSON.stringify(Properties).matchAll(/"Ref":"(\w+)"/g)].map(([, one]) => one);
      assert.deepEqual(used.sort(), Object.keys(template.Parameters ?? {}).sort(), name);
    }
  }
});

interface Tag {
  Key: string;
  Value: string;
}
interface Template {
  AWSTemplateFormatVersion: string;
  Parameters?: Record<string, { Type: string; NoEcho: boolean }>;
  Resources: { Broker: { Type: string; Properties: unknown } };
}

/** What CloudFormation makes of it, when every parameter is the password. */
function withPasswords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPasswords);
  if (typeof value !== 'object' || value === null) return value;
  if ('Ref' in value) return PASSWORD;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withPasswords(one)]));
}

test('a text of YAML is taken as it is', () => {
  for (const nasty of [...NASTY, HALF]) {
    for (const version of ['1.1', '1.2'] as const) assert.equal(parse(yamlText(nasty), { version }), nasty);
  }
});

const hasTerraform = spawnSync('terraform', ['version']).status === 0;

test('terraform reads the configuration and would not lay it out differently', { skip: !hasTerraform }, () => {
  for (const [, request] of REQUESTS) {
    const text = equivalent('terraform', request, THERE);
    assert.equal(run('terraform', ['fmt', '-'], text), text);
  }
});

test('terraform takes a text as it is', { skip: !hasTerraform }, () => {
  const input = `jsonencode([${NASTY.map(hclText).join(', ')}])\n`;
  assert.deepEqual(JSON.parse(JSON.parse(run('terraform', ['console'], input)) as string), NASTY);
});

test('the configuration of Terraform is that of the request, in the spellings that the provider keeps', () => {
  const request: CreateBrokerRequest = { ...requestOf(rabbitmq), tags: { '${team}': '100 %{x}' } };
  assert.equal(
    equivalent('terraform', request, THERE),
    `terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
}

provider "aws" {
  region                  = "eu-central-1"
  skip_metadata_api_check = true

  endpoints {
    mq  = "http://127.0.0.1:8642"
    sts = "http://127.0.0.1:8642"
    iam = "http://127.0.0.1:8642"
    ec2 = "http://127.0.0.1:8642"
  }
}

variable "admin_password" {
  description = "Password of admin"
  type        = string
  sensitive   = true
}

resource "aws_mq_broker" "orders" {
  # The provider has no argument for a storage size of 10 GB.
  broker_name                = "orders"
  engine_type                = "RabbitMQ"
  engine_version             = "4.3"
  deployment_mode            = "CLUSTER_MULTI_AZ"
  host_instance_type         = "mq.m7g.medium"
  storage_type               = "ebs"
  publicly_accessible        = false
  auto_minor_version_upgrade = false

  user {
    username = "admin"
    password = var.admin_password
  }

  tags = {
    "$\${team}" = "100 %%{x}"
  }
}
`,
  );
});

test('names of passwords tell users apart in every language', () => {
  const text = equivalent('cli', requestOf(activemq), THERE);
  const names = [...text.matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name);
  assert.deepEqual(names, ['ALICE_PASSWORD', 'A_B_PASSWORD', 'A_B_2_PASSWORD', 'AB_3_PASSWORD', 'USER_7_PASSWORD']);
});

test('a name that is no comment of one line can not end the comment', () => {
  const request = requestOf(draft({ users: [{ ...newUser(0), username: 'a\nrm -rf /', password: PASSWORD }] }));
  assert.match(equivalent('cli', request, THERE), /# a rm -rf \/\n/);
  assert.match(equivalent('terraform', request, THERE), /"Password of a rm -rf \/"/);
});
