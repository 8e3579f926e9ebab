// The rules for users of brokers, so that a form says at once what the service would say, and passwords that keep them.

/** What is wrong with a value; the words are in the catalogue. */
export type Fault = 'length' | 'characters' | 'variety' | 'reserved';

const VARIETY = 4;
const PASSWORD = { least: 12, most: 250 };
const NAME = { least: 2, most: 100 };
export const MAX_GROUPS = 20;

/** A name of a user: 2 to 100 letters, digits and `-._`, for ActiveMQ also `~`. */
export function faultOfUsername(engine: 'ActiveMQ' | 'RabbitMQ', name: string): Fault | undefined {
  const fault = faultOfGroup(name);
  if (fault) return fault;
  if (engine === 'RabbitMQ' && name.includes('~')) return 'characters';
  return engine === 'RabbitMQ' && name.toLowerCase() === 'guest' ? 'reserved' : undefined;
}

/** A name of a group: 2 to 100 letters, digits and `-._~`. */
export function faultOfGroup(name: string): Fault | undefined {
  if (name.length < NAME.least || name.length > NAME.most) return 'length';
  return /^[A-Za-z0-9._~-]*$/.test(name) ? undefined : 'characters';
}

/** A password: 12 to 250 printable ASCII characters, at least four different ones, none of `, : =`. */
export function faultOfPassword(password: string): Fault | undefined {
  const characters = [...password];
  if (characters.length < PASSWORD.least || characters.length > PASSWORD.most) return 'length';
  if (/[,:=]/.test(password) || !/^[ -~]*$/.test(password)) return 'characters';
  return new Set(characters).size < VARIETY ? 'variety' : undefined;
}

/** Nothing that shells, URLs or XML read otherwise, and nothing that looks like something else. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.';
const GENERATED = 24;

/**
 * A random password of 24 characters, over 140 bits. `random` fills an array with random bytes, as `getRandomValues` of
 * the browser does.
 */
export function password(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  // Bytes beyond the last whole multiple would make some characters likelier than others.
  const bound = 256 - (256 % ALPHABET.length);
  for (;;) {
    let made = '';
    while (made.length < GENERATED) {
      for (const byte of random(new Uint8Array(GENERATED))) {
        if (byte < bound && made.length < GENERATED) made += ALPHABET[byte % ALPHABET.length];
      }
    }
    // One that begins with a hyphen is taken for an option by command line tools.
    if (/^[A-Za-z0-9]/.test(made) && !faultOfPassword(made)) return made;
  }
}

/** Names that a person entered, separated by commas, blanks or lines, sorted and without repetition. */
export function names(entered: string): string[] {
  return [...new Set(entered.split(/[\s,]+/).filter(Boolean))].sort();
}
