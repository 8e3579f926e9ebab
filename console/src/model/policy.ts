// Policies of IAM: the names that an editor offers, and what can be said of a document before it is sent.
import table from './actions.json';
import { faultOf } from './json';

/** An action, as policies name it. */
export interface Action {
  name: string;
  /** `List`, `Read`, `Write` or `Tagging`. */
  level: string;
  /** The form of the ARN that it is about. */
  resource: string;
}

/** Every action that something in brokerd asks for, by its name. */
export const actions: Action[] = Object.entries(table as Record<string, Omit<Action, 'name'>>).map(([name, about]) => ({
  name,
  ...about,
}));

/** The services of the actions, `mq`. */
export const services: string[] = [...new Set(actions.map(({ name }) => name.split(':')[0] ?? ''))];

/** The condition keys; `…` stands for the key of a tag. */
export const conditionKeys: string[] = [
  'aws:CurrentTime',
  'aws:EpochTime',
  'aws:RequestedRegion',
  'aws:SecureTransport',
  'aws:SourceIp',
  'aws:UserAgent',
  'aws:ViaAWSService',
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalTag/…',
  'aws:PrincipalType',
  'aws:userid',
  'aws:username',
  'aws:SourceIdentity',
  'aws:TokenIssueTime',
  'aws:MultiFactorAuthPresent',
  'aws:ResourceAccount',
  'aws:ResourceTag/…',
  'aws:RequestTag/…',
  'aws:TagKeys',
  'iam:PassedToService',
  'iam:PermissionsBoundary',
  'iam:PolicyARN',
  'iam:ResourceTag/…',
];

/** The operators of conditions, of which most have a form that ends with `IfExists`. */
export const operators: string[] = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
  'NumericEquals',
  'NumericNotEquals',
  'NumericLessThan',
  'NumericLessThanEquals',
  'NumericGreaterThan',
  'NumericGreaterThanEquals',
  'DateEquals',
  'DateNotEquals',
  'DateLessThan',
  'DateLessThanEquals',
  'DateGreaterThan',
  'DateGreaterThanEquals',
  'Bool',
  'BinaryEquals',
  'IpAddress',
  'NotIpAddress',
  'ArnEquals',
  'ArnLike',
  'ArnNotEquals',
  'ArnNotLike',
  'Null',
];

/** The members of a policy and of its statements. */
export const members: string[] = [
  'Version',
  'Id',
  'Statement',
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
  'Principal',
  'NotPrincipal',
];

/** The place in a document: the keys that lead to it, and whether a key is to be written there. */
export interface Place {
  path: string[];
  isKey: boolean;
}

/** The place at an offset of a text that need not be complete. */
export function placeAt(text: string, offset: number): Place {
  const stack: { isObject: boolean; path: string[]; key: string; isValue: boolean }[] = [];
  for (const [token, content] of text.slice(0, offset).matchAll(/"((?:[^"\\]|\\.)*)"|"|[{}[\]:,]/g)) {
    const top = stack.at(-1);
    // A string without an end is what is being written.
    if (token === '"') break;
    if (token === '{' || token === '[') {
      const path = !top ? [] : top.isObject ? [...top.path, top.key] : top.path;
      stack.push({ isObject: token === '{', path, key: '', isValue: false });
    } else if (token === '}' || token === ']') stack.pop();
    else if (!top?.isObject) continue;
    else if (token === ':') top.isValue = true;
    else if (token === ',') top.isValue = false;
    else if (!top.isValue) top.key = content ?? '';
  }
  const top = stack.at(-1);
  if (!top) return { path: [], isKey: false };
  if (!top.isObject) return { path: top.path, isKey: false };
  return top.isValue ? { path: [...top.path, top.key], isKey: false } : { path: top.path, isKey: true };
}

/** The words that may be written at a place, with what they are. */
export function offers({ path, isKey }: Place): { label: string; detail?: string }[] {
  const last = path.at(-1) ?? '';
  const plain = (labels: string[]) => labels.map((label) => ({ label }));
  if (isKey) {
    if (last === '') return plain(['Version', 'Id', 'Statement']);
    if (last === 'Statement') return plain(members.slice(3));
    if (last === 'Condition') return plain(operators);
    return path.at(-2) === 'Condition' ? plain(conditionKeys) : [];
  }
  if (last === 'Effect') return plain(['Allow', 'Deny']);
  if (last === 'Version') return plain(['2012-10-17']);
  if (last === 'Action' || last === 'NotAction') {
    const all = services.map((service) => ({ label: `${service}:*` }));
    return [...actions.map(({ name, level }) => ({ label: name, detail: level })), ...all];
  }
  if (last === 'Resource' || last === 'NotResource') {
    const forms = actions.map(({ resource }) => resource.replaceAll('${Partition}', 'aws'));
    return plain([...new Set(forms.map((form) => form.replace(/\$\{[^}]+\}/g, '*')))]);
  }
  return [];
}

/** Why a text is no JSON object, and where; undefined: it is one. */
export function notJson(text: string): { message: string; at: number } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? undefined : { message: '', at: 0 };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), at: faultOf(text) ?? 0 };
  }
}

/** The names of actions in a policy that nothing asks for. */
export function unknownActions(text: string): string[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  const statements = listOf((document as { Statement?: unknown } | null)?.Statement);
  const named = statements.flatMap((statement) => {
    const about = statement as { Action?: unknown; NotAction?: unknown } | null;
    return [...listOf(about?.Action), ...listOf(about?.NotAction)];
  });
  const unknown = named.filter((name): name is string => typeof name === 'string' && !isKnown(name));
  return [...new Set(unknown)];
}

function isKnown(pattern: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const whole = new RegExp(`^${expression}$`, 'i');
  return actions.some(({ name }) => whole.test(name));
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** A document with indents, or as it is where it is no JSON. */
export function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
