// The name, the instance type and the version.
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { instanceType } from '../../model/instance-types';
import { hasStorageSize, hosts, versions } from '../../model/create/options';
import { text } from '../../text';
import { useEngineVersions } from './catalogue';
import { Field, useForm } from './form';

const hostOption = (name: string) => {
  const type = instanceType(name);
  const description = type && text.create.instanceDescription(type.vcpus, type.memoryGib);
  return { value: name, label: name, ...(description ? { description } : {}) };
};

export function Details() {
  const { draft, change, touch, options } = useForm();
  return (
    <Container header={<Header variant="h2">{text.create.details}</Header>}>
      <SpaceBetween size="l">
        <Field attribute="brokerName" label={text.create.name} description={text.create.nameHelp}>
          <Input
            value={draft.brokerName}
            ariaRequired
            autoComplete={false}
            spellcheck={false}
            onBlur={() => touch('brokerName', true)}
            onChange={({ detail }) => {
              change({ brokerName: detail.value });
              touch('brokerName');
            }}
          />
        </Field>
        <Field attribute="engineVersion" label={text.create.version} secondaryControl={<Advisories />}>
          <Version />
        </Field>
        <Field attribute="hostInstanceType" label={text.create.instanceType}>
          <Select
            selectedOption={hostOption(draft.hostInstanceType)}
            onChange={({ detail }) => change({ hostInstanceType: detail.selectedOption.value ?? '' })}
            options={hosts(options, draft).map(hostOption)}
          />
        </Field>
        {hasStorageSize(draft) ? (
          <Field attribute="storageSize" label={text.create.storageSize} description={text.create.storageSizeHelp}>
            <Input
              value={draft.storageSize}
              type="number"
              step={5}
              inputMode="numeric"
              placeholder={text.create.byDefault}
              onBlur={() => touch('storageSize', true)}
              onChange={({ detail }) => {
                change({ storageSize: detail.value });
                touch('storageSize');
              }}
            />
          </Field>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}

function Version() {
  const { draft, change, options } = useForm();
  const known = useEngineVersions();
  const option = (name: string) => {
    const found = known.data?.find((one) => one.engineType === draft.engineType && one.engineVersion === name);
    return { value: name, label: name, ...(found ? { description: text.create.runs(found.trueVersion) } : {}) };
  };
  return (
    <Select
      selectedOption={option(draft.engineVersion)}
      onChange={({ detail }) => change({ engineVersion: detail.selectedOption.value ?? '' })}
      options={versions(options, draft).map(option)}
    />
  );
}

/** What is known to be wrong with the chosen version. */
function Advisories() {
  const { draft } = useForm();
  const known = useEngineVersions();
  const version = known.data?.find(
    ({ engineType, engineVersion }) => engineType === draft.engineType && engineVersion === draft.engineVersion,
  );
  if (!version) return null;
  if (!version.advisories) return <StatusIndicator type="info">{text.create.advisoriesUnknown}</StatusIndicator>;
  const { advisories } = version;
  if (advisories.length === 0) return <StatusIndicator>{text.create.noAdvisories}</StatusIndicator>;
  const isMitigated = advisories.every(({ mitigation }) => mitigation);
  return (
    <ExpandableSection
      headerText={
        <StatusIndicator type={isMitigated ? 'info' : 'warning'}>
          {text.create.advisories(advisories.length)}
        </StatusIndicator>
      }
    >
      <SpaceBetween size="s">
        {advisories.map(({ id, summary, fixedIn, mitigation }) => (
          <div key={id}>
            <Box variant="strong">{id}</Box>
            <Box>{summary}</Box>
            <Box color="text-body-secondary">
              {text.create.fixedIn(fixedIn.join(', '))} {mitigation ? text.create.mitigated(mitigation) : null}
            </Box>
          </div>
        ))}
      </SpaceBetween>
    </ExpandableSection>
  );
}
