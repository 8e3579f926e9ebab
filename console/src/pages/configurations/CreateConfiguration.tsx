// The dialog that creates a configuration.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { ApiError } from '../../api/errors';
import { text } from '../../text';

const words = text.configurations;
const NAMES: Record<string, string> = { ACTIVEMQ: 'ActiveMQ', RABBITMQ: 'RabbitMQ' };

interface Props {
  onClose: () => void;
  onCreated: (made: Schemas['CreateConfigurationResponse']) => void;
}

export function CreateConfiguration({ onClose, onCreated }: Props) {
  const [name, setName] = useState('');
  const [engineType, setEngine] = useState('ACTIVEMQ');
  const [version, setVersion] = useState<string>();
  const [strategy, setStrategy] = useState('SIMPLE');
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const engines = useQuery({
    queryKey: ['engine-types', 'configurations'],
    queryFn: () => answer(api.GET('/v1/broker-engine-types', { params: { query: { maxResults: 100 } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const versions =
    engines.data?.brokerEngineTypes
      .find((engine) => engine.engineType === engineType)
      ?.engineVersions.map((one) => one.name) ?? [];
  // Versions are of patches or not; a configuration is of major and minor.
  const minors = [...new Set(versions.map((one) => one.split('.').slice(0, 2).join('.')))];
  const engineVersion = version && minors.includes(version) ? version : minors[0];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(undefined);
    const authenticationStrategy = engineType === 'ACTIVEMQ' ? strategy : 'SIMPLE';
    try {
      const body = { name, engineType, authenticationStrategy, ...(engineVersion ? { engineVersion } : {}) };
      onCreated(await answer(api.POST('/v1/configurations', { body })));
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : ApiError.unreachable(failure));
      setBusy(false);
    }
  };
  const of = (attribute: string) => (error?.attribute === attribute ? error.message : undefined);
  const isOfField = ['name', 'engineType', 'engineVersion', 'authenticationStrategy'].includes(error?.attribute ?? '');

  return (
    <Modal
      visible
      header={words.create}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form="create-configuration" formAction="submit" loading={isBusy}>
              {words.createAction}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id="create-configuration" onSubmit={submit}>
        <Form errorText={error && !isOfField ? error.message : engines.error?.message}>
          <SpaceBetween size="m">
            <FormField label={words.name} constraintText={words.nameHelp} errorText={of('name')}>
              <Input
                value={name}
                onChange={({ detail }) => setName(detail.value)}
                autoComplete={false}
                spellcheck={false}
                autoFocus
              />
            </FormField>
            <FormField label={words.engine} errorText={of('engineType')}>
              <RadioGroup
                value={engineType}
                onChange={({ detail }) => setEngine(detail.value)}
                items={Object.entries(NAMES).map(([value, label]) => ({ value, label }))}
              />
            </FormField>
            <FormField label={words.version} errorText={of('engineVersion')}>
              <Select
                selectedOption={engineVersion ? { value: engineVersion, label: engineVersion } : null}
                options={minors.map((value) => ({ value, label: value }))}
                statusType={engines.isPending ? 'loading' : 'finished'}
                onChange={({ detail }) => setVersion(detail.selectedOption.value)}
              />
            </FormField>
            {engineType === 'ACTIVEMQ' ? (
              <FormField
                label={words.strategy}
                description={words.strategyHelp}
                errorText={of('authenticationStrategy')}
              >
                <RadioGroup
                  value={strategy}
                  onChange={({ detail }) => setStrategy(detail.value)}
                  items={[
                    { value: 'SIMPLE', label: words.strategies.simple },
                    { value: 'LDAP', label: words.strategies.ldap },
                  ]}
                />
              </FormField>
            ) : null}
          </SpaceBetween>
        </Form>
      </form>
    </Modal>
  );
}
