// CreateBroker as a template of CloudFormation.
import type { CreateBrokerRequest } from '../create/draft';
import { inComment, isTree, modelName, seal, Secret, type Value } from './request';

/** Words that YAML 1.1 reads as something else than a text. */
const NO_TEXT = /^(y|n|yes|no|on|off|true|false|null|nan|inf|~)$/i;
/** A text that needs no quotes in YAML. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;

/** The template. Passwords are parameters that CloudFormation does not show. */
export function cloudFormation(request: CreateBrokerRequest): string {
  const { members, tags, secrets } = seal(request);
  const { storageSize, ...known } = members;
  const properties: Value = {
    ...known,
    ...(Object.keys(tags).length > 0 ? { tags: Object.entries(tags).map(([key, value]) => ({ key, value })) } : {}),
  };
  const lines = [
    'AWSTemplateFormatVersion: "2010-09-09"',
    ...(secrets.length > 0 ? ['Parameters:', ...secrets.flatMap(parameter)] : []),
    'Resources:',
    '  Broker:',
    '    Type: AWS::AmazonMQ::Broker',
    ...(storageSize === undefined
      ? []
      : [`    # The resource has no property for a storage size of ${String(storageSize)} GB.`]),
    '    Properties:',
    ...node(properties, 6),
    'Outputs:',
    '  BrokerId:',
    '    Value:',
    '      Ref: Broker',
    '',
  ];
  return lines.join('\n');
}

/** Parameters have letters and digits only. */
function parameterName({ name }: Secret): string {
  return name
    .split('_')
    .map((part) => part.charAt(0) + part.slice(1).toLowerCase())
    .join('');
}

function parameter(secret: Secret): string[] {
  return [
    `  ${parameterName(secret)}:`,
    '    Type: String',
    '    NoEcho: true',
    `    Description: ${yamlText(`Password of ${inComment(secret.owner)}`)}`,
  ];
}

/** The lines of a document or a list. */
function node(value: Value, indent: number): string[] {
  const gap = ' '.repeat(indent);
  if (Array.isArray(value)) {
    return value.flatMap((one) => {
      const [first = '', ...rest] = isTree(one) ? node(one, indent + 2) : [scalar(one)];
      return [`${gap}- ${first.trimStart()}`, ...rest];
    });
  }
  if (!isTree(value)) return [`${gap}${scalar(value)}`];
  return Object.entries(value).flatMap(([name, one]) => {
    const key = `${gap}${modelName(name)}:`;
    if (one instanceof Secret) return [key, `${gap}  Ref: ${parameterName(one)}`];
    return typeof one === 'object' ? [key, ...node(one, indent + 2)] : [`${key} ${scalar(one)}`];
  });
}

function scalar(value: Value): string {
  return typeof value === 'string' ? yamlText(value) : String(value);
}

/** A text as YAML writes it. A text of JSON is one of YAML, but for characters that YAML takes for line breaks. */
export function yamlText(text: string): string {
  if (PLAIN.test(text) && !NO_TEXT.test(text)) return text;
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escape);
}
