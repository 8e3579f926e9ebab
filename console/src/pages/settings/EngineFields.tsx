import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { compareVersions, upgradeTargets } from '../../model/upgrades';
import { text } from '../../text';
import { Advisories, AdvisoryCount } from './Advisories';
import type { FieldsProps } from './formFields';
import { type EngineVersion, offered, useEngineVersions, useInstanceOptions, useOfferedVersions } from './queries';

const t = text.settings;

/** The tags of a version: what runs behind it, and its advisories. */
function tagsOf(engine: EngineVersion | undefined): string[] {
  const count = engine?.advisories?.length;
  const advisories = count ? t.advisoriesOpen(count) : t.advisoriesNone;
  return [engine?.trueVersion ?? '', count === undefined ? '' : advisories].filter(Boolean);
}

/** Version, instance type and storage. */
export function EngineFields({ broker, draft, set, errors }: FieldsProps) {
  const versions = useOfferedVersions(broker.engineType);
  const engines = useEngineVersions(broker.engineType);
  const instances = useInstanceOptions(broker.engineType, broker.storageType);
  const engineOf = (version: string) => engines.data?.find((one) => one.engineVersion === version);

  const targets = upgradeTargets(broker.engineType, broker.engineVersion, offered(versions.data, engines.data));
  const versionOptions: SelectProps.Option[] = [
    {
      value: broker.engineVersion,
      label: broker.engineVersion,
      labelTag: t.currentValue,
      tags: tagsOf(engineOf(broker.engineVersion)),
    },
    ...targets.map(({ version, refusal }) => ({
      value: version,
      label: version,
      disabled: refusal !== undefined,
      description: refusal && t.refusals[refusal](broker.engineVersion),
      tags: tagsOf(engineOf(version)),
    })),
  ].sort((one, other) => compareVersions(other.label, one.label));

  const isRabbit = broker.engineType === 'RabbitMQ';
  const refusalOf = (option: NonNullable<typeof instances.data>[number]): string | undefined => {
    if (option.hostInstanceType === broker.hostInstanceType) return undefined;
    if (!option.supportedDeploymentModes.includes(broker.deploymentMode)) return t.instanceRefusals.mode;
    if (!option.supportedEngineVersions.includes(draft.engineVersion)) {
      return t.instanceRefusals.version(draft.engineVersion);
    }
    return isRabbit && option.hostInstanceType.endsWith('.micro') ? t.instanceRefusals.micro : undefined;
  };
  const instanceOptions: SelectProps.Option[] = (instances.data ?? []).map((option) => ({
    value: option.hostInstanceType,
    label: option.hostInstanceType,
    labelTag: option.hostInstanceType === broker.hostInstanceType ? t.currentValue : undefined,
    disabled: refusalOf(option) !== undefined,
    description: refusalOf(option),
  }));
  const status = (query: { isPending: boolean; isError: boolean }) =>
    query.isPending ? 'loading' : query.isError ? 'error' : 'finished';
  const hasStorage = isRabbit && broker.deploymentMode === 'CLUSTER_MULTI_AZ';
  const chosen = engineOf(draft.engineVersion);
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={hasStorage ? 3 : 2}>
        <FormField
          label={t.fields.engineVersion}
          description={t.engineVersionHelp}
          constraintText={chosen ? <AdvisoryCount engine={chosen} /> : undefined}
          errorText={errors['engineVersion']}
        >
          <Select
            options={versionOptions}
            selectedOption={
              versionOptions.find(({ value }) => value === draft.engineVersion) ?? { value: draft.engineVersion }
            }
            onChange={({ detail }) => set({ engineVersion: detail.selectedOption.value ?? draft.engineVersion })}
            statusType={status(versions)}
            loadingText={text.common.loading}
            errorText={versions.error?.message}
          />
        </FormField>
        <FormField
          label={t.fields.hostInstanceType}
          description={broker.storageType.toUpperCase()}
          errorText={errors['hostInstanceType']}
        >
          <Select
            options={instanceOptions}
            selectedOption={
              instanceOptions.find(({ value }) => value === draft.hostInstanceType) ?? { value: draft.hostInstanceType }
            }
            onChange={({ detail }) => set({ hostInstanceType: detail.selectedOption.value ?? draft.hostInstanceType })}
            statusType={status(instances)}
            loadingText={text.common.loading}
            errorText={instances.error?.message}
          />
        </FormField>
        {hasStorage ? (
          <FormField label={t.fields.storageSize} description={t.storageHelp} errorText={errors['storageSize']}>
            <Input
              value={draft.storageSize}
              onChange={({ detail }) => set({ storageSize: detail.value })}
              inputMode="numeric"
              autoComplete={false}
            />
          </FormField>
        ) : null}
      </ColumnLayout>
      <Advisories engine={chosen} />
    </SpaceBetween>
  );
}
