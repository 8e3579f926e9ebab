// The fields of the form that changes a broker, a section each.
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Checkbox from '@cloudscape-design/components/checkbox';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { Draft, LdapMember } from '../../model/brokerEdit';
import { DAYS, nextOpening, windowText } from '../../model/maintenanceWindow';
import { LDAP_MEMBERS } from '../../model/pendingChanges';
import { text } from '../../text';
import { type Broker, useConfigurations, useRevisions } from './queries';
import { useNow, viewersZone } from './useNow';

const t = text.settings;

export interface FieldsProps {
  broker: Broker;
  draft: Draft;
  /** Changes fields of the form. */
  set: (changes: Partial<Draft>) => void;
  /** What is wrong, by the fields of the form. */
  errors: Partial<Record<string, string>>;
}

/** The configuration and its revision. */
export function ConfigurationFields({ broker, draft, set, errors }: FieldsProps) {
  const configurations = useConfigurations(broker.engineType);
  const revisions = useRevisions(draft.configurationId);
  const versions = [broker.engineVersion, draft.engineVersion];
  const fitting = (configurations.data ?? []).filter(
    ({ id, engineVersion }) => versions.includes(engineVersion) || id === draft.configurationId,
  );
  const options = fitting.map((one) => ({
    value: one.id,
    label: one.name,
    description: one.id,
    tags: [`${broker.engineType} ${one.engineVersion}`, t.strategies[one.authenticationStrategy] ?? ''].filter(Boolean),
  }));
  const current = broker.configurations.current;
  const revisionOptions = (revisions.data ?? []).map(({ revision, description, created }, at) => ({
    value: String(revision),
    label: t.revisionLabel(revision),
    labelTag:
      current?.id === draft.configurationId && current.revision === revision
        ? t.inForce
        : at === 0
          ? t.latest
          : undefined,
    description: [description, new Date(created).toLocaleString('en')].filter(Boolean).join(' · '),
  }));
  const choose = (id: string) => {
    const chosen = fitting.find((one) => one.id === id);
    set({ configurationId: id, revision: chosen?.latestRevision.revision ?? 1 });
  };
  return (
    <ColumnLayout columns={2}>
      <FormField label={t.configuration} description={t.configurationHelp} errorText={errors['configuration']}>
        <Select
          options={options}
          selectedOption={
            options.find(({ value }) => value === draft.configurationId) ??
            (draft.configurationId ? { value: draft.configurationId, label: draft.configurationId } : null)
          }
          onChange={({ detail }) => choose(detail.selectedOption.value ?? '')}
          placeholder={t.chooseConfiguration}
          filteringType="auto"
          statusType={configurations.isPending ? 'loading' : configurations.isError ? 'error' : 'finished'}
          loadingText={text.common.loading}
          errorText={configurations.error?.message}
          empty={text.common.noMatch}
        />
      </FormField>
      <FormField label={t.revision} description={t.revisionHelp}>
        <Select
          options={revisionOptions}
          selectedOption={
            revisionOptions.find(({ value }) => value === String(draft.revision)) ??
            (draft.revision ? { value: String(draft.revision), label: t.revisionLabel(draft.revision) } : null)
          }
          onChange={({ detail }) => set({ revision: Number(detail.selectedOption.value) })}
          placeholder={t.chooseRevision}
          disabled={!draft.configurationId}
          statusType={revisions.isLoading ? 'loading' : revisions.isError ? 'error' : 'finished'}
          loadingText={text.common.loading}
          errorText={revisions.error?.message}
          empty={text.common.noMatch}
        />
      </FormField>
    </ColumnLayout>
  );
}

const named = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC');
const zones = ['UTC', ...named].map((value) => ({ value }));

/** The maintenance window, told in the viewer's zone as it is entered. */
export function WindowFields({ draft, set, errors }: FieldsProps) {
  const own = viewersZone();
  const opens = nextOpening(draft, useNow(60_000));
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={3}>
        <FormField label={t.day} errorText={errors['dayOfWeek']}>
          <Select
            options={DAYS.map((day) => ({ value: day, label: t.days[day] ?? day }))}
            selectedOption={{ value: draft.dayOfWeek, label: t.days[draft.dayOfWeek] ?? draft.dayOfWeek }}
            onChange={({ detail }) => set({ dayOfWeek: detail.selectedOption.value ?? draft.dayOfWeek })}
          />
        </FormField>
        <FormField label={t.time} constraintText={t.timeHelp} errorText={errors['timeOfDay']}>
          <Input
            value={draft.timeOfDay}
            onChange={({ detail }) => set({ timeOfDay: detail.value.trim() })}
            inputMode="text"
            autoComplete={false}
          />
        </FormField>
        <FormField label={t.zone} constraintText={t.zoneHelp} errorText={errors['timeZone']}>
          <Autosuggest
            options={zones}
            value={draft.timeZone}
            onChange={({ detail }) => set({ timeZone: detail.value })}
            enteredTextLabel={t.useZone}
            clearAriaLabel={t.clear}
            empty={text.common.noMatch}
          />
        </FormField>
      </ColumnLayout>
      <FormField
        description={opens === undefined ? t.notAZone : t.preview(windowText(opens, own), own)}
        errorText={errors['maintenanceWindowStartTime']}
      />
      <FormField errorText={errors['autoMinorVersionUpgrade']}>
        <Toggle
          checked={draft.autoMinorVersionUpgrade}
          onChange={({ detail }) => set({ autoMinorVersionUpgrade: detail.checked })}
          description={t.autoUpgradeHelp}
        >
          {t.fields.autoMinorVersionUpgrade}
        </Toggle>
      </FormField>
    </SpaceBetween>
  );
}

/** Which logs are published. */
export function LogsFields({ broker, draft, set, errors }: FieldsProps) {
  return (
    <SpaceBetween size="m">
      <FormField errorText={errors['generalLogs']}>
        <Toggle
          checked={draft.generalLogs}
          onChange={({ detail }) => set({ generalLogs: detail.checked })}
          description={t.generalLogsHelp}
        >
          {t.fields.generalLogs}
        </Toggle>
      </FormField>
      {broker.engineType === 'ActiveMQ' ? (
        <FormField errorText={errors['auditLogs']}>
          <Toggle
            checked={draft.auditLogs}
            onChange={({ detail }) => set({ auditLogs: detail.checked })}
            description={t.auditLogsHelp}
          >
            {t.fields.auditLogs}
          </Toggle>
        </FormField>
      ) : null}
    </SpaceBetween>
  );
}

const HELP: Partial<Record<LdapMember, string>> = {
  hosts: t.ldap.hostsHelp,
  userSearchMatching: t.ldap.userFilterHelp,
  roleSearchMatching: t.ldap.roleFilterHelp,
};

function DirectoryField({ member, draft, set, errors }: FieldsProps & { member: LdapMember }) {
  const value = draft.ldap[member];
  const change = (changed: string | boolean) => set({ ldap: { ...draft.ldap, [member]: changed } });
  const label = t.ldap[member];
  if (typeof value === 'boolean') {
    return (
      <FormField errorText={errors[`ldap.${member}`]}>
        <Checkbox checked={value} onChange={({ detail }) => change(detail.checked)}>
          {label}
        </Checkbox>
      </FormField>
    );
  }
  const isOptional = member === 'roleName' || member === 'userRoleName';
  return (
    <FormField
      label={isOptional ? `${label} – ${t.ldap.optional}` : label}
      constraintText={HELP[member]}
      errorText={errors[`ldap.${member}`]}
    >
      <Input value={value} onChange={({ detail }) => change(detail.value)} spellcheck={false} autoComplete={false} />
    </FormField>
  );
}

/** How users of ActiveMQ prove who they are, and their directory. RabbitMQ's configuration says it. */
export function AuthenticationFields(props: FieldsProps) {
  const { broker, draft, set, errors } = props;
  if (broker.engineType !== 'ActiveMQ') return <>{t.rabbitAuthentication}</>;
  return (
    <SpaceBetween size="m">
      <FormField
        label={t.fields.authenticationStrategy}
        description={t.authenticationHelp}
        errorText={errors['authenticationStrategy']}
      >
        <RadioGroup
          value={draft.authenticationStrategy}
          onChange={({ detail }) => set({ authenticationStrategy: detail.value })}
          items={['simple', 'ldap'].map((value) => ({ value, label: t.strategies[value] ?? value }))}
        />
      </FormField>
      {errors['ldapServerMetadata'] ? <FormField errorText={errors['ldapServerMetadata']} /> : null}
      {draft.authenticationStrategy === 'ldap' ? (
        <ColumnLayout columns={2}>
          {LDAP_MEMBERS.map((member) => (
            <DirectoryField key={member} member={member} {...props} />
          ))}
          <FormField
            label={t.fields.ldapPassword}
            constraintText={t.ldap.passwordHelp}
            errorText={errors['ldapPassword']}
          >
            <Input
              type="password"
              value={draft.ldapPassword}
              onChange={({ detail }) => set({ ldapPassword: detail.value })}
              autoComplete="new-password"
            />
          </FormField>
        </ColumnLayout>
      ) : null}
    </SpaceBetween>
  );
}
