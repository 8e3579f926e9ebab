// CreateBroker as a resource of Terraform's provider for AWS, laid out as `terraform fmt` does.
import type { CreateBrokerRequest } from '../create/draft';
import { type Destination, inComment, isTree, seal, Secret, snakeName, type Tree, type Value } from './request';

/** Members that are blocks in Terraform. */
const BLOCKS = [
  'configuration',
  'encryptionOptions',
  'ldapServerMetadata',
  'logs',
  'maintenanceWindowStartTime',
  'users',
];

/** The configuration. Passwords are variables. */
export function terraform(request: CreateBrokerRequest, { region, apiUrl }: Destination): string {
  const { members, tags, secrets } = seal(request);
  const { storageSize, ...known } = members;
  const plain = Object.entries(known).filter(([name]) => !BLOCKS.includes(name));
  const blocks = Object.entries(known).filter(([name]) => BLOCKS.includes(name));
  const lines = [
    'terraform {',
    '  required_providers {',
    '    aws = {',
    '      source  = "hashicorp/aws"',
    '      version = ">= 3.39"',
    '    }',
    '  }',
    '}',
    '',
    'provider "aws" {',
    ...attributes(
      [
        ['region', region],
        ['skip_metadata_api_check', true],
      ],
      2,
    ),
    '',
    '  endpoints {',
    ...attributes(
      ['mq', 'sts', 'iam', 'ec2'].map((service) => [service, apiUrl] as const),
      4,
    ),
    '  }',
    '}',
    '',
    ...secrets.flatMap(variable),
    `resource "aws_mq_broker" ${hclText(label(request.brokerName))} {`,
    ...(storageSize === undefined
      ? []
      : [`  # The provider has no argument for a storage size of ${String(storageSize)} GB.`]),
    ...attributes(
      plain.map(([name, value]) => [snakeName(name), inSpelling(name, value)] as const),
      2,
    ),
    ...blocks.flatMap(([name, value]) => {
      const bodies = (Array.isArray(value) ? value : [value]) as Tree[];
      return bodies.flatMap((body) => block(name === 'users' ? 'user' : snakeName(name), body));
    }),
    ...(Object.keys(tags).length > 0
      ? [
          '',
          '  tags = {',
          ...attributes(
            Object.entries(tags).map(([k, v]) => [hclText(k), v] as const),
            4,
          ),
          '  }',
        ]
      : []),
    '}',
    '',
  ];
  return lines.join('\n');
}

/** The provider compares what it reads with what is written: it reads these spellings. */
function inSpelling(member: string, value: Value): Value {
  if (member === 'engineType') return value === 'ACTIVEMQ' ? 'ActiveMQ' : 'RabbitMQ';
  const isLower = member === 'storageType' || member === 'authenticationStrategy';
  return isLower && typeof value === 'string' ? value.toLowerCase() : value;
}

function variable({ name, owner }: Secret): string[] {
  return [
    `variable "${name.toLowerCase()}" {`,
    ...attributes([['description', `Password of ${inComment(owner)}`]], 2),
    '  type        = string',
    '  sensitive   = true',
    '}',
    '',
  ];
}

function block(name: string, body: Tree): string[] {
  return [
    '',
    `  ${name} {`,
    ...attributes(
      Object.entries(body).map(([k, v]) => [snakeName(k), v] as const),
      4,
    ),
    '  }',
  ];
}

/** Arguments whose signs of equality are below each other. */
function attributes(pairs: (readonly [string, Value])[], indent: number): string[] {
  const width = Math.max(...pairs.map(([name]) => [...name].length));
  return pairs.map(([name, value]) => {
    const gap = ' '.repeat(width - [...name].length);
    return `${' '.repeat(indent)}${name}${gap} = ${expression(value)}`;
  });
}

function expression(value: Value): string {
  if (value instanceof Secret) return `var.${value.name.toLowerCase()}`;
  if (Array.isArray(value)) return `[${value.map(expression).join(', ')}]`;
  if (isTree(value)) throw new Error('a document is a block');
  return typeof value === 'string' ? hclText(value) : String(value);
}

/** A text as HCL writes it: templates are not meant. */
export function hclText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/([$%])\{/g, '$1$1{');
  return `"${escaped}"`;
}

/** The name of the resource: the broker's, as far as HCL has such names. */
function label(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, '_');
  return plain === '' ? 'broker' : /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
}
