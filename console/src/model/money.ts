// Exact sums of amounts, which the server sends as decimal numbers in text.

/** An amount as a whole number of units, and how many digits of it are behind the point. */
function parsed(amount: string): [bigint, number] {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount);
  if (!match) throw new Error(`${amount} is no amount`);
  const [, sign, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction);
  return [sign ? -units : units, fraction.length];
}

function written(units: bigint, digits: number): string {
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  return `${units < 0n ? '-' : ''}${whole}${digits > 0 ? `.${text.slice(-digits)}` : ''}`;
}

/** The sum of amounts, with as many digits as the longest has. */
export function sum(amounts: string[]): string {
  const all = amounts.map(parsed);
  const digits = Math.max(0, ...all.map(([, count]) => count));
  const units = all.reduce((total, [value, count]) => total + value * 10n ** BigInt(digits - count), 0n);
  return written(units, digits);
}

/** An amount so many times. `count` is a whole number. */
export function times(amount: string, count: number): string {
  const [units, digits] = parsed(amount);
  return written(units * BigInt(count), digits);
}

/** An amount as people read it: "1,261.44 USD". */
export function money(amount: string, currency: string): string {
  const [whole = '', fraction] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`} ${currency}`;
}
