// A stand-in of brokerd: serves dist/ under /console/ with the server's policy, and answers from a map.
import { after } from 'node:test';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { POLICY } from './policy.mjs';

const dist = path.join(path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url)))), 'dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};
/** How long `called` waits, in milliseconds. The machine may be busy. */
const DEADLINE_MS = 120_000;

/** Where the last stand-in was. */
let latestPort = 0;

/** Who is signed in unless a test says otherwise. */
export const SESSION = {
  accountId: '123456789012',
  accountName: 'default',
  arn: 'arn:aws:iam::123456789012:root',
  kind: 'ROOT',
  name: 'root',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  isOperator: true,
  region: 'eu-central-1',
  regions: ['eu-central-1', 'us-east-1'],
  apiUrl: 'http://127.0.0.1:8642',
  version: '0.1.0',
  expiresAt: '2099-01-01T00:00:00Z',
  idleExpiresAt: '2099-01-01T00:00:00Z',
  settings: {},
};
/** What signs in, besides the link `right`. */
export const KEY = { accessKeyId: SESSION.accessKeyId, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

/** An error in the service's form, to return from an answer: `refused(403, 'ForbiddenException', 'No.')`. */
export function refused(status, code, message, errorAttribute) {
  return {
    status,
    body: { message, ...(errorAttribute ? { errorAttribute } : {}) },
    headers: { 'x-amzn-errortype': code, 'x-amzn-requestid': 'c0ffee00-0000-4000-8000-000000000001' },
  };
}

/**
 * Starts a stand-in, which ends with the test. `answers` maps `'GET /v1/brokers/{broker-id}'` to a document, or to a
 * function of the request (`{ method, path, parameters, query, headers, body, text }`) that returns
 * `{ status = 200, body, headers }` or a promise of that. A text as the body is sent as it is (XML of IAM). Services
 * without paths have keys like `'iam:ListUsers'` and `'logs:FilterLogEvents'`. Later changes of `server.answers`
 * count. `session` are changed members of `SESSION`; `null`: nobody is signed in.
 *
 * A call without an answer fails the test at its end.
 */
export async function startServer(answers = {}, { session = {} } = {}) {
  const server = {
    answers: { ...answers },
    /** All calls so far, without those for assets. */
    calls: [],
    /** What closes the pages of this stand-in. */
    pages: [],
    /** Calls that nothing answered. */
    unanswered: [],
    session: session === null ? null : { ...SESSION, ...session },
    /** The regions of which events were asked for. */
    regions: [],
    /** How many pages follow the events. */
    get followers() {
      return streams.size;
    },
    /** Sends an event to all pages: `send('broker', { brokerId, change: 'CHANGED' })`. */
    send(event, data = {}) {
      for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    /** The next call of an operation, by its key in `answers`, or the first since `from` (an index of `calls`). */
    async called(key, from = server.calls.length) {
      const ends = Date.now() + DEADLINE_MS;
      for (;;) {
        const found = server.calls.slice(from).find((call) => call.key === key);
        if (found) return found;
        if (Date.now() > ends) throw new Error(`${key} was not called, but ${server.calls.map((call) => call.key)}`);
        await new Promise((resolve) => waiting.push(resolve, setTimeout(resolve, 1000)));
      }
    },
    /** Stops answering, as a server that is restarted; `listen` begins again at the same address. */
    async stop() {
      await new Promise((resolve) => {
        listener.close(resolve);
        listener.closeAllConnections();
      });
    },
    listen: (port = server.port) =>
      new Promise((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(port, '127.0.0.1', () => {
          listener.off('error', reject);
          resolve();
        });
      }),
  };
  const streams = new Set();
  const waiting = [];
  const listener = createServer((request, response) => {
    handle(server, streams, request, response).catch((error) => {
      server.unanswered.push(`${request.method} ${request.url}: ${error.stack}`);
      response.destroy();
    });
  });
  server.told = () => {
    for (const one of waiting.splice(0)) typeof one === 'function' ? one() : clearTimeout(one);
  };
  // At the address of the test before, whose assets the browser has compiled, unless somebody else is there.
  await server.listen(latestPort).catch(() => server.listen(0));
  server.port = listener.address().port;
  latestPort = server.port;
  server.url = `http://127.0.0.1:${server.port}`;
  after(async () => {
    // First, since the next stand-in may be at this address.
    await Promise.all(server.pages.map((close) => close()));
    if (listener.listening) await server.stop();
    if (server.unanswered.length) throw new Error(`no answer for:\n${server.unanswered.join('\n')}`);
  });
  return server;
}

async function handle(server, streams, request, response) {
  const url = new URL(request.url, server.url);
  const isApi = /^\/(v1|brokerd|health)\//.test(url.pathname) || url.pathname === '/';
  const isPage = (request.headers.accept ?? '').includes('text/html');
  const isFile = isPage || !/^\/console\/(session|sessions|calculator|events)$/.test(url.pathname);
  if (!isApi && isFile && request.method === 'GET' && url.pathname.startsWith('/console/')) return file(url, response);
  if (url.pathname === '/console/events') {
    server.regions.push(url.searchParams.get('region'));
    return follow(server, streams, response);
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const call = {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    text,
    body: parsed(text),
    parameters: {},
  };
  const found = find(server, call);
  call.key = found.key;
  server.calls.push(call);
  server.told();
  if (isMissingSession(server, call)) return send(response, refused(401, 'UnauthorizedException', 'Sign in first.'));
  if (found.answer === undefined) {
    server.unanswered.push(found.key);
    return send(response, refused(404, 'NotFoundException', `The stand-in has no answer for ${found.key}.`));
  }
  return send(response, typeof found.answer === 'function' ? await found.answer(call) : { body: found.answer });
}

function isMissingSession(server, call) {
  const isPublic = call.path.startsWith('/health/') || call.path.startsWith('/console/');
  return server.session === null && !isPublic;
}

/** The answer for a call: that of the test, or that of a session. */
function find(server, call) {
  if (call.path === '/' && call.method === 'POST') {
    const service = call.headers['x-brokerd-service'];
    const operation = call.headers['x-amz-target']?.split('.').pop() ?? new URLSearchParams(call.text).get('Action');
    const key = `${service}:${operation}`;
    return { key, answer: server.answers[key] };
  }
  const key = `${call.method} ${call.path}`;
  if (server.answers[key] !== undefined) return { key, answer: server.answers[key] };
  const parts = key.split('/');
  for (const pattern of Object.keys(server.answers)) {
    const names = pattern.split('/');
    if (!pattern.includes('{') || names.length !== parts.length) continue;
    if (!names.every((name, at) => name.startsWith('{') || name === parts[at])) continue;
    names.forEach((name, at) => {
      if (name.startsWith('{')) call.parameters[name.slice(1, -1)] = decodeURIComponent(parts[at]);
    });
    return { key: pattern, answer: server.answers[pattern] };
  }
  return { key, answer: DEFAULTS[key] && ((request) => DEFAULTS[key](server, request)) };
}

const signedOut = () => refused(401, 'UnauthorizedException', 'You are not signed in.');

const DEFAULTS = {
  'GET /console/session': (server) => (server.session ? { body: server.session } : signedOut()),
  'POST /console/session': (server, { body }) => {
    const isKey = body.accessKeyId === KEY.accessKeyId && body.secretAccessKey === KEY.secretAccessKey;
    if (!isKey && body.link !== 'right') {
      return refused(401, 'UnauthorizedException', 'The access key or its secret is not right.');
    }
    server.session = { ...SESSION };
    return { body: server.session };
  },
  'DELETE /console/session': (server) => {
    server.session = null;
    return { status: 204 };
  },
  'DELETE /console/sessions': (server) => {
    server.session = null;
    return { status: 204 };
  },
};

function follow(server, streams, response) {
  if (!server.session) return send(response, signedOut());
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`event: hello\ndata: ${JSON.stringify({ version: server.session.version })}\n\n`);
  streams.add(response);
  response.on('close', () => streams.delete(response));
}

/** A file of the build. Every other address under /console/ is a page of the router. */
async function file(url, response) {
  const name = url.pathname.startsWith('/console/assets/') ? url.pathname.slice('/console/'.length) : 'index.html';
  const from = path.join(dist, name);
  if (!existsSync(path.join(dist, 'index.html'))) throw new Error('dist/ is missing: npm run build');
  if (!from.startsWith(dist) || !existsSync(from)) return send(response, { status: 404, body: { message: 'no file' } });
  response.writeHead(200, {
    'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': name === 'index.html' ? 'no-store' : 'public, max-age=31536000, immutable',
  });
  response.end(await readFile(from));
}

function send(response, { status = 200, body, headers = {} }) {
  const isText = typeof body === 'string';
  const type = !isText ? 'application/json' : body.startsWith('<') ? 'text/xml' : 'text/plain; charset=utf-8';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(body === undefined ? undefined : isText ? body : JSON.stringify(body));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
