import { text } from '../../text';

/** An authentication strategy in words. */
export function strategy(name: string): string {
  const { ldap, simple } = text.configurations.strategies;
  return name.toLowerCase() === 'ldap' ? ldap : simple;
}
