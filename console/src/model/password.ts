// Passwords of broker users. Source of the rules: domain/src/access/broker_user.rs.

/** Characters that are easy to tell apart and need no quoting anywhere. */
const LETTERS = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ';
const DIGITS = '23456789';
const MARKS = '-_.~+';
const ALL = LETTERS + DIGITS + MARKS;
const LENGTH = 24;

/** A rule that a password follows or not. */
export interface PasswordRule {
  id: 'length' | 'characters' | 'ascii' | 'unique';
  isKept: boolean;
}

/** Every rule of the service, with whether the password keeps it. */
export function passwordRules(password: string): PasswordRule[] {
  const characters = [...password];
  return [
    { id: 'length', isKept: characters.length >= 12 && characters.length <= 250 },
    { id: 'unique', isKept: new Set(characters).size >= 4 },
    { id: 'characters', isKept: !/[,:=]/.test(password) },
    { id: 'ascii', isKept: /^[ -~]*$/.test(password) },
  ];
}

/** Whether the service takes the password. */
export function isPasswordValid(password: string): boolean {
  return passwordRules(password).every(({ isKept }) => isKept);
}

/** Fills an array with random bytes. */
export type Random = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** A password of 24 characters, about 140 bits. */
export function generatePassword(random: Random): string {
  for (;;) {
    const password = Array.from({ length: LENGTH }, () => ALL[below(ALL.length, random)]).join('');
    const has = (set: string) => [...set].some((character) => password.includes(character));
    // A mark in front would look like an option of a command.
    if (has(DIGITS) && has(MARKS) && /^[a-zA-Z0-9]/.test(password) && isPasswordValid(password)) return password;
  }
}

/** A number below `limit`, all of them as likely as each other. */
function below(limit: number, random: Random): number {
  const largest = 256 - (256 % limit);
  for (;;) {
    const [value = 0] = random(new Uint8Array(1));
    if (value < largest) return value % limit;
  }
}
