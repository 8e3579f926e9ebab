// The request as a tree in which placeholders stand for passwords: what makes texts of it never sees them.
import type { CreateBrokerRequest } from '../create/draft';

/** Stands for a password. */
export class Secret {
  constructor(
    /** A name that is unique in the request: `ALICE_PASSWORD`. Without its underscores it is unique, too. */
    readonly name: string,
    /** Whose password it is. */
    readonly owner: string,
  ) {}
}

export type Value = string | number | boolean | Secret | Value[] | Tree;
export interface Tree {
  [member: string]: Value;
}

/** Where the request goes to. */
export interface Destination {
  region: string;
  /** The address of the API. */
  apiUrl: string;
}

/** A request without passwords. */
export interface Sealed {
  /** The members in the order of the service's documentation, without tags. */
  members: Tree;
  tags: Record<string, string>;
  secrets: Secret[];
}

/** Replaces every password. Members that have no value are left out. */
export function seal(request: CreateBrokerRequest): Sealed {
  const { tags, users, ldapServerMetadata, ...rest } = request;
  const secrets: Secret[] = [];
  const secret = (owner: string, name: string) => {
    const made = new Secret(uniqueName(name, secrets), owner);
    secrets.push(made);
    return made;
  };
  const members: Tree = {};
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined) members[name] = value as Value;
  }
  if (users) {
    members['users'] = users.map(({ username, ...user }) => ({
      username,
      ...user,
      password: secret(username, username),
    }));
  }
  if (ldapServerMetadata) {
    const { serviceAccountUsername } = ldapServerMetadata;
    const password = secret(serviceAccountUsername, 'LDAP');
    members['ldapServerMetadata'] = { ...ldapServerMetadata, serviceAccountPassword: password };
  }
  return { members, tags: tags ?? {}, secrets };
}

function uniqueName(owner: string, taken: Secret[]): string {
  const plain = owner
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  const base = plain === '' ? 'USER' : /^\d/.test(plain) ? `USER_${plain}` : plain;
  const bare = (name: string) => name.replaceAll('_', '');
  const isTaken = (name: string) => taken.some((other) => bare(other.name) === bare(name));
  for (let number = 1; ; number += 1) {
    const name = `${base}${number === 1 ? '' : `_${number}`}_PASSWORD`;
    if (!isTaken(name)) return name;
  }
}

/** `useAwsOwnedKey` as the services' models call it: `UseAwsOwnedKey`. */
export function modelName(member: string): string {
  return member.charAt(0).toUpperCase() + member.slice(1);
}

/** `useAwsOwnedKey` as Terraform calls it: `use_aws_owned_key`. */
export function snakeName(member: string): string {
  return member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A text for a comment: one line, without what a terminal would obey. */
export function inComment(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}

export function isTree(value: Value): value is Tree {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Secret);
}
