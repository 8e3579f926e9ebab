// CreateBroker with boto3, the SDK for Python.
import type { CreateBrokerRequest } from '../create/draft';
import { type Destination, isTree, modelName, seal, Secret, type Value } from './request';

/** The longest line that is not divided. */
const COLUMNS = 88;

/** The program. Passwords are read from the environment. */
export function boto3(request: CreateBrokerRequest, { region, apiUrl }: Destination): string {
  const { members, tags, secrets } = seal(request);
  const lines = [
    ...(secrets.length > 0 ? ['import os', ''] : []),
    'import boto3',
    '',
    `mq = boto3.client("mq", region_name=${pythonText(region)}, endpoint_url=${pythonText(apiUrl)})`,
    ...('storageSize' in members ? ['# Older releases of boto3 do not know StorageSize.'] : []),
    'broker = mq.create_broker(',
    ...Object.entries(members).map(([name, value]) => `    ${modelName(name)}=${expression(value, 4)},`),
    ...(Object.keys(tags).length > 0 ? [`    Tags=${dictionary(tags, (key) => key, 4)},`] : []),
    ')',
    'print(broker["BrokerId"])',
    '',
  ];
  return lines.join('\n');
}

function expression(value: Value, indent: number): string {
  if (value instanceof Secret) return `os.environ["${value.name}"]`;
  if (Array.isArray(value)) {
    return sequence(
      '[',
      value.map((one) => expression(one, indent + 4)),
      ']',
      indent,
    );
  }
  if (isTree(value)) return dictionary(value, modelName, indent);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'number' ? String(value) : pythonText(value);
}

function dictionary(tree: Record<string, Value>, name: (member: string) => string, indent: number): string {
  const members = Object.entries(tree).map(
    ([member, value]) => `${pythonText(name(member))}: ${expression(value, indent + 4)}`,
  );
  return sequence('{', members, '}', indent);
}

function sequence(open: string, parts: string[], close: string, indent: number): string {
  const line = `${open}${parts.join(', ')}${close}`;
  if (!line.includes('\n') && line.length + indent < COLUMNS) return line;
  const inner = ' '.repeat(indent + 4);
  return [open, ...parts.map((part) => `${inner}${part},`), `${' '.repeat(indent)}${close}`].join('\n');
}

/** A text as Python writes it. The escapes of JSON are among Python's. */
export function pythonText(text: string): string {
  return JSON.stringify(text);
}
