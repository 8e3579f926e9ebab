// CreateBroker as a command of the AWS CLI, for any POSIX shell.
import type { CreateBrokerRequest } from '../create/draft';
import { type Destination, inComment, isTree, modelName, seal, Secret, snakeName, type Value } from './request';

/** A word that every shell takes as it is. */
const PLAIN = /^[A-Za-z0-9_./:@%+][A-Za-z0-9_./:@%+-]*$/;
/** Marks where the shell has to put a password into a document. No text can have it: U+0000 can't be entered. */
const MARK = '\u0000';

/** The command. Passwords are read from variables, so that they are not in the shell's history. */
export function awsCli(request: CreateBrokerRequest, { region, apiUrl }: Destination): string {
  const { members, tags, secrets } = seal(request);
  const options = [`--endpoint-url ${shellWord(apiUrl)}`, `--region ${shellWord(region)}`];
  for (const [member, value] of Object.entries(members)) options.push(option(member, value));
  if (Object.keys(tags).length > 0) options.push(`--tags ${quotedDocument(JSON.stringify(tags))}`);
  const command = ['aws mq create-broker', ...options.map((text) => `  ${text}`)].join(' \\\n');
  const notes = 'storageSize' in members ? ['# Older releases of the AWS CLI do not know --storage-size.', ''] : [];
  return `${[...preamble(secrets), ...notes, command].join('\n')}\n`;
}

function preamble(secrets: Secret[]): string[] {
  if (secrets.length === 0) return [];
  return [
    '# Set these variables to the passwords first.',
    ...secrets.map(({ name, owner }) => `: "\${${name}:?}"  # ${inComment(owner)}`),
    `json() { printf '%s' "$1" | sed 's/[\\\\"]/\\\\&/g'; }`,
    '',
  ];
}

function option(member: string, value: Value): string {
  const name = `--${snakeName(member).replaceAll('_', '-')}`;
  if (value === true) return name;
  if (value === false) return name.replace(/^--/, '--no-');
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) {
    return [name, ...value.map(shellWord)].join(' ');
  }
  if (typeof value === 'object') return `${name} ${quotedDocument(document(value))}`;
  const word = shellWord(String(value));
  // What begins with a hyphen would be taken for an option.
  return /^'?-/.test(word) ? `${name}=${word}` : `${name} ${word}`;
}

/** JSON with the names of the service's model. The passwords are marked. */
function document(value: Value): string {
  if (value instanceof Secret) return `"${MARK}${value.name}${MARK}"`;
  if (Array.isArray(value)) return `[${value.map(document).join(', ')}]`;
  if (!isTree(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, one]) => `"${modelName(name)}": ${document(one)}`);
  return `{${members.join(', ')}}`;
}

function quotedDocument(json: string): string {
  const quoted = `'${json.replaceAll("'", "'\\''")}'`;
  return quoted.replace(new RegExp(`${MARK}(\\w+)${MARK}`, 'g'), `'"$(json "$$$1")"'`);
}

/** A word of a shell command, quoted if need be. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
