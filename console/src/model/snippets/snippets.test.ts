import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { endpointsOf } from '../endpoints';
import { type File, preparation, type Snippet, snippets, type Target } from './index';

const ACTIVEMQ_SCHEMES = ['ssl', 'amqp+ssl', 'stomp+ssl', 'mqtt+ssl', 'wss'];

function activemq(change: Partial<Target> = {}): Target {
  const brokerInstances = ['one.test', '10.0.0.2'].map((host, at) => ({
    endpoints: ACTIVEMQ_SCHEMES.map((scheme, n) => `${scheme}://${host}:${20_000 + at * 10 + n}`),
  }));
  return {
    engine: 'ActiveMQ',
    version: '5.19',
    username: 'ann',
    authorityUrl: 'http://api.test:8642/brokerd/v1/ca.pem',
    endpoints: endpointsOf({ engineType: 'ActiveMQ', brokerInstances }),
    consoleUrl: 'https://one.test:8162',
    ...change,
  };
}

function rabbitmq(change: Partial<Target> = {}): Target {
  const brokerInstances = [{ endpoints: ['amqps://rabbit.test:20001', 'https://rabbit.test:20002'] }];
  return {
    engine: 'RabbitMQ',
    version: '4.3',
    username: 'ann',
    authorityUrl: 'http://api.test:8642/brokerd/v1/ca.pem',
    endpoints: endpointsOf({ engineType: 'RabbitMQ', brokerInstances }),
    consoleUrl: 'https://rabbit.test:20003',
    ...change,
  };
}

/** Names that break out of whatever does not quote them. RabbitMQ permits them for users made in its console. */
const HOSTILE = `a"b'c$(id)\`d\\e#{f}\${g}`;
const everything: Snippet[] = [
  activemq(),
  rabbitmq(),
  activemq({ username: HOSTILE }),
  rabbitmq({ username: HOSTILE }),
].flatMap(snippets);
const filesOf = (language: string): File[] =>
  everything.flatMap(({ files }) => files).filter((file) => file.language === language);

function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** Writes each file into a folder of its own and runs a checker on it. Gives what the checker says, by file. */
function checked(files: File[], check: (file: string, folder: string) => string): void {
  const root = mkdtempSync(path.join(tmpdir(), 'snippets-'));
  try {
    files.forEach((file, at) => {
      const folder = path.join(root, String(at));
      mkdirSync(folder);
      const to = path.join(folder, path.basename(file.name));
      writeFileSync(to, file.text);
      const said = check(to, folder);
      assert.equal(said, '', `${file.name}: ${said}\n${file.text}`);
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}

function run(command: string, ...words: string[]): string {
  const { status, stderr, stdout } = spawnSync(command, words, { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `status ${status}`;
}

test('both engines have at least ten clients, each once', () => {
  for (const target of [activemq(), rabbitmq()]) {
    const ids = snippets(target).map(({ id }) => id);
    assert.ok(ids.length >= 10, ids.join());
    assert.equal(new Set(ids).size, ids.length);
  }
});

test('every program names the endpoint and the user, and no password', () => {
  for (const [target, host] of [
    [activemq(), 'one.test'],
    [rabbitmq(), 'rabbit.test'],
  ] as const) {
    for (const { id, files } of snippets(target)) {
      const all = files.map(({ text }) => text).join('\n');
      assert.ok(all.includes(host), `${id} has no endpoint`);
      assert.ok(all.includes('ann'), `${id} has no user`);
      assert.ok(id === 'stomp-js' || all.includes('BROKER_PASSWORD'), `${id} has no place for the password`);
      assert.doesNotMatch(all, /undefined|NaN|\[object/, id);
    }
  }
});

test('clients that can fail over know both instances of a pair', () => {
  const failingOver = [
    'activemq-jms',
    'activemq-spring',
    'qpid-jms',
    'stomp-py',
    'proton',
    'rhea',
    'mqtt-js',
    'ruby-stomp',
  ];
  for (const id of failingOver) {
    const files = snippets(activemq()).find((one) => one.id === id)?.files ?? [];
    const text = files.map((file) => file.text).join('\n');
    assert.ok(text.includes('one.test') && text.includes('10.0.0.2'), id);
  }
});

test('a RabbitMQ before version 4 has no client of AMQP 1.0', () => {
  const ids = (version: string) => snippets(rabbitmq({ version })).map(({ id }) => id);
  assert.ok(ids('4.3').includes('rabbitmq-proton'));
  assert.ok(!ids('3.13').includes('rabbitmq-proton'));
});

test('a broker without endpoints has no programs', () => {
  assert.deepEqual(snippets(activemq({ endpoints: [] })), []);
  assert.deepEqual(snippets(rabbitmq({ endpoints: [] })), []);
});

test('what is prepared is a key store only for those who need one, and survives every name', () => {
  const of = (id: string, target: Target) => {
    const snippet = snippets(target).find((one) => one.id === id);
    assert.ok(snippet);
    return preparation(target, snippet);
  };
  assert.match(of('activemq-jms', activemq()), /keytool -importcert/);
  assert.doesNotMatch(of('stomp-py', activemq()), /keytool/);
  const script = of('pika', rabbitmq({ username: HOSTILE })).replace(/^curl.*$/m, ':');
  const { stdout } = spawnSync('sh', ['-c', `${script}\nprintf %s "$BROKER_PASSWORD"`], { encoding: 'utf8' });
  assert.equal(stdout, `the password of ${HOSTILE}`);
});

test('programs in Python compile', (t) => {
  if (!has('python3')) return t.skip('no python3');
  checked(filesOf('python'), (file) => run('python3', '-m', 'py_compile', file));
});

test('programs in JavaScript are modules without errors of syntax', () => {
  checked(filesOf('javascript'), (file) => {
    const module = file.replace(/\.m?js$/, '.mjs');
    return run('sh', '-c', `[ "$0" = "$1" ] || mv "$0" "$1"; node --check "$1"`, file, module);
  });
});

test('programs in Go are formatted', (t) => {
  if (!has('gofmt')) return t.skip('no gofmt');
  checked(filesOf('go'), (file) => {
    const { status, stdout, stderr } = spawnSync('gofmt', ['-e', '-d', file], { encoding: 'utf8' });
    return status === 0 ? stdout : stderr;
  });
});

test('programs in Java have no errors of syntax', (t) => {
  if (!has('javac')) return t.skip('no javac');
  checked(filesOf('java'), (file, folder) => {
    const words = ['-proc:none', '-XDrawDiagnostics', '-d', folder, file];
    const { stdout, stderr } = spawnSync('javac', words, { encoding: 'utf8' });
    // Without the libraries their names are not known; everything else is an error of ours.
    const unknown = /compiler\.err\.(doesnt\.exist|cant\.resolve)/;
    const errors = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('compiler.err.'));
    return errors.filter((line) => !unknown.test(line)).join('\n');
  });
});

test('programs in Rust have no errors of syntax', (t) => {
  if (!has('rustfmt')) return t.skip('no rustfmt');
  checked(filesOf('rust'), (file) => run('rustfmt', '--edition', '2024', '--emit', 'stdout', file));
});

test('scripts of the shell have no errors of syntax', () => {
  checked(filesOf('shell'), (file) => run('sh', '-n', file));
});

for (const [language, command, ...options] of [
  ['ruby', 'ruby', '-c'],
  ['php', 'php', '-l'],
] as const) {
  test(`programs in ${language} have no errors of syntax`, (t) => {
    if (!has(command)) return t.skip(`no ${command}`);
    return checked(filesOf(language), (file) => run(command, ...options, file));
  });
}
