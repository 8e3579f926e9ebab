// Who reaches the broker, and how its data is encrypted.
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Multiselect from '@cloudscape-design/components/multiselect';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type Draft, hasSecurityGroups, listOf } from '../../model/create/draft';
import { subnetCount } from '../../model/create/options';
import { text } from '../../text';
import { useSecurityGroups } from './catalogue';
import { Field, useForm } from './form';

export function Network() {
  const { draft, change, touch } = useForm();
  const isCluster = draft.deploymentMode === 'CLUSTER_MULTI_AZ';
  return (
    <Container header={<Header variant="h2">{text.create.network}</Header>}>
      <SpaceBetween size="l">
        <Field attribute="publiclyAccessible" label={text.create.access} stretch>
          <RadioGroup
            value={draft.publiclyAccessible ? 'PUBLIC' : 'PRIVATE'}
            onChange={({ detail }) => change({ publiclyAccessible: detail.value === 'PUBLIC' })}
            items={[
              { value: 'PRIVATE', label: text.create.private, description: text.create.privateHelp },
              { value: 'PUBLIC', label: text.create.public, description: text.create.publicHelp },
            ]}
          />
        </Field>
        <Groups />
        <Field
          attribute="subnetIds"
          label={
            <>
              {text.create.subnets} <i>– {text.create.optional}</i>
            </>
          }
          description={text.create.subnetsHelp(subnetCount(draft.deploymentMode), isCluster)}
        >
          <Input
            value={draft.subnetIds}
            autoComplete={false}
            spellcheck={false}
            placeholder="subnet-…"
            onBlur={() => touch('subnetIds', true)}
            onChange={({ detail }) => {
              change({ subnetIds: detail.value });
              touch('subnetIds');
            }}
          />
        </Field>
        <Encryption />
      </SpaceBetween>
    </Container>
  );
}

function Groups() {
  const { draft, change, touch } = useForm();
  const known = useSecurityGroups();
  const [label, description] = [text.create.securityGroups, text.create.securityGroupsHelp];
  const titled = (
    <>
      {label} <i>– {text.create.optional}</i>
    </>
  );
  if (!hasSecurityGroups(draft)) {
    return (
      <Field attribute="securityGroups" label={label}>
        <Box color="text-body-secondary">{text.create.publicRabbitMq}</Box>
      </Field>
    );
  }
  // Whoever may not list the groups may know their IDs.
  if (known.isError) return <GroupsById />;
  const options = (known.data ?? []).map(({ securityGroupId, name, description: about }) => ({
    value: securityGroupId,
    label: name,
    labelTag: securityGroupId,
    description: about,
  }));
  const option = (id: string) => options.find(({ value }) => value === id) ?? { value: id, label: id };
  return (
    <Field attribute="securityGroups" label={titled} description={description}>
      <Multiselect
        selectedOptions={draft.securityGroups.map(option)}
        options={options}
        placeholder={text.create.chooseSecurityGroups}
        filteringType="auto"
        statusType={known.isPending ? 'loading' : 'finished'}
        loadingText={text.common.loading}
        empty={text.create.noSecurityGroups}
        deselectAriaLabel={({ value }) => text.create.removeGroup(value ?? '')}
        onChange={({ detail }) => {
          change({ securityGroups: detail.selectedOptions.map(({ value }) => value ?? '') });
          touch('securityGroups');
        }}
      />
    </Field>
  );
}

function GroupsById() {
  const { draft, change, touch } = useForm();
  return (
    <Field
      attribute="securityGroups"
      label={text.create.securityGroups}
      description={`${text.create.securityGroupsHelp} ${text.create.securityGroupsById}`}
    >
      <Input
        value={draft.securityGroups.join(', ')}
        autoComplete={false}
        spellcheck={false}
        placeholder="sg-…"
        onBlur={() => touch('securityGroups', true)}
        onChange={({ detail }) => {
          // A comma at the end is the beginning of the next.
          const ids = listOf(detail.value);
          change({ securityGroups: /[,\s]$/.test(detail.value) ? [...ids, ''] : ids });
          touch('securityGroups');
        }}
      />
    </Field>
  );
}

function Encryption() {
  const { draft, change, touch } = useForm();
  const kinds: Draft['encryption'][] = ['OWNED', 'MANAGED', 'CUSTOMER'];
  return (
    <SpaceBetween size="l">
      <Field attribute="encryptionOptions" label={text.create.encryption} stretch>
        <RadioGroup
          value={draft.encryption}
          onChange={({ detail }) => change({ encryption: detail.value as Draft['encryption'] })}
          items={kinds.map((value) => ({
            value,
            label: text.create.encryptions[value],
            description: text.create.encryptionDescriptions[value],
          }))}
        />
      </Field>
      {draft.encryption === 'CUSTOMER' ? (
        <Field attribute="encryptionOptions.kmsKeyId" label={text.create.kmsKey} description={text.create.kmsKeyHelp}>
          <Input
            value={draft.kmsKeyId}
            ariaRequired
            autoComplete={false}
            spellcheck={false}
            onBlur={() => touch('encryptionOptions.kmsKeyId', true)}
            onChange={({ detail }) => {
              change({ kmsKeyId: detail.value });
              touch('encryptionOptions.kmsKeyId');
            }}
          />
        </Field>
      ) : null}
    </SpaceBetween>
  );
}
