// The permitted keys of RabbitMQ configurations: what an editor offers, and what brokerd would refuse.
import rules from './rabbitmq-keys.json';
import { isSince } from './version';

/** What may stand behind a key. */
export interface KeyRule {
  since?: string;
  words?: string[];
  wordsOf3?: string[];
  least?: number;
  most?: number;
  hint?: string;
}

const table = rules as unknown as { keys: Record<string, KeyRule>; inSections: string[] };

/** The keys that a version permits: `#` stands for a number from 1 on, `$` for any word. */
export function permittedKeys(version: string): [string, KeyRule][] {
  return Object.entries(table.keys).filter(([, rule]) => isSince(version, rule.since));
}

/** The words that may stand behind a key, where they are few. */
export function valuesOf(rule: KeyRule, version: string): string[] {
  return (isSince(version, '4.0') ? rule.words : (rule.wordsOf3 ?? rule.words)) ?? [];
}

/** What may stand behind a key, for a person. */
export function describe(rule: KeyRule, version: string): string {
  if (rule.least !== undefined) return `${rule.least} to ${rule.most}`;
  return rule.hint ?? valuesOf(rule, version).join(', ');
}

/** The rule of a key; undefined: it may not be set. */
export function ruleOf(key: string, version: string): KeyRule | undefined {
  const words = wordsOf(key);
  return permittedKeys(version).find(([pattern]) => matches(pattern.split('.'), words))?.[1];
}

/** The words of a key; a dot behind a backslash belongs to its word. */
export function wordsOf(key: string): string[] {
  return key.split(/(?<!\\)\./);
}

function matches(pattern: string[], words: string[]): boolean {
  if (pattern.length !== words.length) return false;
  return pattern.every((part, at) => {
    const word = words[at] ?? '';
    if (part === '$') return word !== '';
    return part === '#' ? /^[1-9]\d*$/.test(word) : part === word;
  });
}

/** A setting that can't be. */
export interface Mistake {
  from: number;
  to: number;
  message: 'KEY' | 'SYNTAX' | 'VALUE' | 'SECTION';
  /** The key, or the line where there is none. */
  what: string;
  /** What would be valid. */
  valid?: string;
}

/** The settings of a text that brokerd would refuse, as far as this is known here. */
export function mistakes(text: string, version: string): Mistake[] {
  const found: Mistake[] = [];
  let at = 0;
  let isInSection = false;
  let isQuoted = false;
  for (const line of text.split('\n')) {
    const from = at + (line.length - line.trimStart().length);
    const to = Math.max(from, at + line.trimEnd().length);
    at += line.length + 1;
    const trimmed = line.trim();
    if (isQuoted) {
      isQuoted = !trimmed.includes("'''");
      continue;
    }
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    if (trimmed.startsWith('{{')) {
      isInSection = !isInSection;
      continue;
    }
    const equals = line.indexOf('=', from - (at - line.length - 1));
    if (equals < 0) {
      found.push({ from, to, message: 'SYNTAX', what: trimmed });
      continue;
    }
    const key = trimmed.slice(0, trimmed.indexOf('=')).trimEnd();
    const value = trimmed.slice(trimmed.indexOf('=') + 1).trimStart();
    isQuoted = value.startsWith("'''") && !value.slice(3).includes("'''");
    const rule = ruleOf(key, version);
    if (!rule) {
      found.push({ from, to: from + key.length, message: 'KEY', what: key });
    } else if (isInSection && !table.inSections.includes(key)) {
      found.push({ from, to: from + key.length, message: 'SECTION', what: key, valid: table.inSections.join(', ') });
    } else if (!isValid(plain(value), rule, version)) {
      found.push({ from, to, message: 'VALUE', what: key, valid: describe(rule, version) });
    }
  }
  return found;
}

/** A value without its quotes and without the comment behind it. */
function plain(value: string): string {
  const quoted = /^'([^']*)'/.exec(value);
  if (quoted && !value.startsWith("'''")) return quoted[1] ?? '';
  return value.startsWith("'") ? value : (value.split('#')[0] ?? '').trim();
}

function isValid(value: string, rule: KeyRule, version: string): boolean {
  if (value === '') return false;
  const words = valuesOf(rule, version);
  // Names of backends' modules are taken, too.
  if (words.length) return words.includes(value.replace(/^rabbit_auth_backend_/, ''));
  if (rule.least === undefined || rule.most === undefined) return true;
  return /^\d+$/.test(value) && Number(value) >= rule.least && Number(value) <= rule.most;
}
