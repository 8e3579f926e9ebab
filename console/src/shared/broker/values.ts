// Values of a broker in words, and the names of their fields.
import type { EditField, Value } from '../../model/brokerEdit';
import type { PendingChange } from '../../model/pendingChanges';
import { text } from '../../text';

const t = text.settings;

/** The name of a field. */
export function fieldName(field: EditField): string {
  if (field.startsWith('ldap.')) return t.ldap[field.slice(5) as keyof typeof t.ldap] as string;
  return t.fields[field as keyof typeof t.fields];
}

/** A value of a field in words. `configurations` names the configurations by their identifiers. */
export function valueText(field: EditField, value: Value | undefined, configurations?: Map<string, string>): string {
  if (field === 'ldapPassword') return value ? '••••••••' : text.common.none;
  if (typeof value === 'boolean') return value ? t.on : t.off;
  if (value === undefined || value === '') return text.common.none;
  if (field === 'storageSize') return Number(value) === 0 ? t.defaultSize : t.gigabytes(value);
  if (field === 'authenticationStrategy') return t.strategies[String(value)] ?? String(value);
  if (field === 'configuration') return configurationText(String(value), configurations);
  if (field === 'maintenanceWindow') {
    const [day = '', ...rest] = String(value).split(' ');
    return [t.days[day] ?? day, ...rest].join(' ');
  }
  return String(value);
}

/** "c-1 revision 2", with the configuration's name instead of its identifier where it is known. */
function configurationText(reference: string, names?: Map<string, string>): string {
  const [id = '', , revision = ''] = reference.split(' ');
  return t.revisionOf(names?.get(id) ?? id, revision);
}

/** The name of what waits. */
export function pendingName({ field, name }: PendingChange): string {
  if (field === 'user') return `${t.fields.user} ${name}`;
  if (field === 'ldapServerMetadata') return t.ldap[name as keyof typeof t.ldap] as string;
  return t.fields[field];
}

/** A value that waits, or that is replaced, in words. */
export function pendingText(change: PendingChange, which: 'now' | 'then', names?: Map<string, string>): string {
  const value = change[which];
  if (change.field === 'user') {
    if (which === 'then') return t.userChanges[String(value)] ?? String(value);
    return value ? t.userThere : t.userAbsent;
  }
  if (change.field === 'ldapServerMetadata') return valueText(`ldap.${change.name}` as EditField, value);
  return valueText(change.field, value, names);
}
