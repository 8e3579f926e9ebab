// The configuration that the broker begins with.
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import type { Draft } from '../../model/create/draft';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { useConfigurations, useRevisions } from './catalogue';
import { Field, useError, useForm } from './form';

export function Configuration() {
  const { draft, change } = useForm();
  const choose = (configuration: Draft['configuration']) => change({ configuration, chosenConfiguration: undefined });
  return (
    <Container header={<Header variant="h2">{text.create.configuration}</Header>}>
      <SpaceBetween size="l">
        <FormField stretch>
          <RadioGroup
            ariaLabel={text.create.configuration}
            value={draft.configuration}
            onChange={({ detail }) => choose(detail.value as Draft['configuration'])}
            items={[
              {
                value: 'DEFAULT',
                label: text.create.configurationDefault,
                description: text.create.configurationDefaultHelp(draft.brokerName || text.create.anyBroker),
              },
              {
                value: 'EXISTING',
                label: text.create.configurationExisting,
                description: text.create.configurationExistingHelp,
              },
              { value: 'NEW', label: text.create.configurationNew, description: text.create.configurationNewHelp },
            ]}
          />
        </FormField>
        {draft.configuration === 'EXISTING' ? <Existing /> : null}
        {draft.configuration === 'NEW' ? <New /> : null}
        {draft.configuration === 'DEFAULT' ? <Refusal /> : null}
      </SpaceBetween>
    </Container>
  );
}

/** What the server has against the default: the account may have too many configurations. */
function Refusal() {
  const error = useError('configuration');
  return error ? <FormField errorText={error} /> : null;
}

function Existing() {
  const { draft, change, touch } = useForm();
  const chosen = draft.chosenConfiguration;
  const all = useConfigurations(true);
  const revisions = useRevisions(chosen?.id);
  const strategy = draft.engineType === 'ACTIVEMQ' ? draft.authenticationStrategy : undefined;
  const fitting = (all.data ?? []).filter(
    (one) =>
      one.engineType.toUpperCase() === draft.engineType &&
      one.engineVersion === draft.engineVersion &&
      (strategy === undefined || one.authenticationStrategy.toUpperCase() === strategy),
  );
  const option = ({ id, name }: { id: string; name: string }) => ({ value: id, label: name, description: id });
  const selected = fitting.find(({ id }) => id === chosen?.id);
  const revisionOption = ({ revision, description }: { revision: number; description?: string }) => ({
    value: String(revision),
    label: text.create.revisionOf(revision, description ?? ''),
  });
  const current = revisions.data?.find(({ revision }) => revision === chosen?.revision);
  return (
    <SpaceBetween size="l">
      <Field attribute="configuration" label={text.create.configurationExisting}>
        <Select
          selectedOption={selected ? option(selected) : null}
          placeholder={text.create.chooseConfiguration}
          options={fitting.map(option)}
          filteringType="auto"
          statusType={all.isPending ? 'loading' : all.isError ? 'error' : 'finished'}
          loadingText={text.common.loading}
          errorText={all.error?.message ?? ''}
          recoveryText={text.common.retry}
          onLoadItems={() => (all.isError ? void all.refetch() : undefined)}
          empty={text.create.noConfigurations}
          onBlur={() => touch('configuration', true)}
          onChange={({ detail }) => {
            const found = fitting.find(({ id }) => id === detail.selectedOption.value);
            if (!found) return;
            change({ chosenConfiguration: { id: found.id, revision: found.latestRevision.revision } });
          }}
        />
      </Field>
      {chosen ? (
        <FormField label={text.create.revision}>
          <Select
            selectedOption={current ? revisionOption(current) : { value: '', label: String(chosen.revision) }}
            placeholder={text.create.chooseRevision}
            options={(revisions.data ?? []).map(revisionOption)}
            statusType={revisions.isPending ? 'loading' : revisions.isError ? 'error' : 'finished'}
            loadingText={text.common.loading}
            errorText={revisions.error?.message ?? ''}
            recoveryText={text.common.retry}
            onLoadItems={() => (revisions.isError ? void revisions.refetch() : undefined)}
            onChange={({ detail }) =>
              change({ chosenConfiguration: { id: chosen.id, revision: Number(detail.selectedOption.value) } })
            }
          />
        </FormField>
      ) : null}
    </SpaceBetween>
  );
}

/** Makes a configuration at once, and chooses it. */
function New() {
  const { draft, change } = useForm();
  const flash = useFlash();
  const queries = useQueryClient();
  const [name, setName] = useState(draft.brokerName);
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const missing = useError('configuration');
  const create = async () => {
    setBusy(true);
    setError(undefined);
    const { engineType, engineVersion, authenticationStrategy } = draft;
    const strategy = engineType === 'ACTIVEMQ' ? { authenticationStrategy } : {};
    try {
      const made = await answer(
        api.POST('/v1/configurations', { body: { name, engineType, engineVersion, ...strategy } }),
      );
      await queries.invalidateQueries({ queryKey: ['configurations'] });
      const { revision } = made.latestRevision;
      change({ configuration: 'EXISTING', chosenConfiguration: { id: made.id, revision } });
      flash.done(text.create.configurationCreated(made.name));
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };
  return (
    <FormField
      label={text.create.configurationName}
      description={text.create.configurationNameHelp}
      errorText={error ?? missing}
      secondaryControl={
        <Button onClick={create} loading={isBusy} disabled={name === ''}>
          {text.create.createConfiguration}
        </Button>
      }
    >
      <Input
        value={name}
        autoComplete={false}
        spellcheck={false}
        onChange={({ detail }) => setName(detail.value)}
        onKeyDown={({ detail }) => {
          if (detail.key === 'Enter' && name !== '' && !isBusy) void create();
        }}
      />
    </FormField>
  );
}
