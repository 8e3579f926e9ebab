// Tags: the service's limits, and the differences that are sent.
// Source: domain/src/access/tag.rs, "Tag naming and usage conventions" of the AWS general reference.

export const MAX_TAGS = 50;
export const MAX_KEY_LENGTH = 128;
export const MAX_VALUE_LENGTH = 256;
/** Letters and digits of every language, spaces, and `_ . : / = + - @`. */
export const PERMITTED = /^[\p{Alphabetic}\p{N} _.:/=+\-@]*$/u;

export type Tags = Record<string, string>;

export type TagFault = 'EMPTY' | 'LONG_KEY' | 'LONG_VALUE' | 'RESERVED' | 'CHARACTER' | 'TWICE';

/** What is wrong with a tag's key, given all keys. */
export function keyFault(key: string, all: readonly string[] = [key]): TagFault | undefined {
  if (!key) return 'EMPTY';
  if ([...key].length > MAX_KEY_LENGTH) return 'LONG_KEY';
  if (key.toLowerCase().startsWith('aws:')) return 'RESERVED';
  if (!PERMITTED.test(key)) return 'CHARACTER';
  return all.filter((one) => one === key).length > 1 ? 'TWICE' : undefined;
}

/** What is wrong with a tag's value. */
export function valueFault(value: string): TagFault | undefined {
  if ([...value].length > MAX_VALUE_LENGTH) return 'LONG_VALUE';
  return PERMITTED.test(value) ? undefined : 'CHARACTER';
}

export interface TagChanges {
  /** New tags, and those with another value. */
  set: Tags;
  /** The keys that go. */
  removed: string[];
}

/** What makes `after` of `before`. */
export function tagChanges(before: Tags, after: Tags): TagChanges {
  const set: Tags = {};
  for (const [key, value] of Object.entries(after)) {
    if (before[key] !== value) set[key] = value;
  }
  return { set, removed: Object.keys(before).filter((key) => !Object.hasOwn(after, key)) };
}

export interface TagConflict {
  key: string;
  /** When the form was opened; undefined: it was not there. */
  before: string | undefined;
  /** On the broker now. */
  now: string | undefined;
  /** In the form. */
  mine: string | undefined;
}

/** The tags that the form changes and that somebody else has changed otherwise since it was opened. */
export function tagConflicts(before: Tags, now: Tags, after: Tags): TagConflict[] {
  const { set, removed } = tagChanges(before, after);
  return [...Object.keys(set), ...removed]
    .filter((key) => before[key] !== now[key] && now[key] !== after[key])
    .map((key) => ({ key, before: before[key], now: now[key], mine: after[key] }));
}
