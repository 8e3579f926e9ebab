// What a snippet is, what it is made of, and how texts are written in each language.
import type { Endpoint } from '../endpoints';

export type Engine = 'ActiveMQ' | 'RabbitMQ';
export type Language =
  'java' | 'python' | 'javascript' | 'go' | 'csharp' | 'rust' | 'ruby' | 'php' | 'shell' | 'properties' | 'html';

/** The broker that a program connects to. */
export interface Target {
  engine: Engine;
  /** `major.minor`. */
  version: string;
  /** All of the broker's. */
  endpoints: Endpoint[];
  consoleUrl?: string;
  username: string;
  /** Where the certificates of brokers' issuers are, for whoever runs the program. */
  authorityUrl: string;
}

/** A file of a snippet. */
export interface File {
  name: string;
  language: Language;
  text: string;
}

/** A whole program that sends a message and receives it again. */
export interface Snippet {
  id: string;
  /** What a person looks for: the language or tool. */
  group: string;
  /** The library. */
  client: string;
  protocol: string;
  /** How to get the library, as commands of a shell or lines of a build file. */
  install: string;
  files: File[];
  /** How to run it. */
  run: string;
  /** Whether it needs the certificates as a Java key store. */
  needsKeyStore?: boolean;
}

/** Where the server has the certificates, for everybody. */
export const AUTHORITY_PATH = '/brokerd/v1/ca.pem';
/** The names that all snippets use. */
export const CA_FILE = 'brokerd-ca.pem';
export const KEY_STORE = 'brokerd-ca.p12';
/** The password of the key store, which holds nothing that is secret. */
export const KEY_STORE_PASSWORD = 'changeit';
export const PASSWORD_VARIABLE = 'BROKER_PASSWORD';
export const QUEUE = 'hello';

/** A string literal of Java, JavaScript, Python, Go, C# and Rust. */
export const quoted = (text: string) => JSON.stringify(text);

/** A string literal of Ruby and PHP in which nothing is replaced. */
export const single = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A word of a POSIX shell. */
export const word = (text: string) => (/^[\w@%+:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A value of a Java properties file. */
export const property = (text: string) => text.replaceAll('\\', '\\\\');

/** A host as libraries want it that take host and port apart. */
export const bare = (endpoint: Endpoint) => endpoint.host.replace(/^\[|\]$/g, '');

/** The endpoints of a protocol. */
export function of(target: Target, protocol: Endpoint['protocol']): [Endpoint, ...Endpoint[]] {
  const [first, ...others] = target.endpoints.filter((endpoint) => endpoint.protocol === protocol);
  if (!first) throw new Error(`the broker has no endpoint for ${protocol}`);
  return [first, ...others];
}

/** Lines without the blank ones at the beginning and the end, and one end of line. */
export const lines = (text: string) => `${text.replace(/^\n+|\s+$/g, '')}\n`;
