import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError } from '../../../api/errors';
import { isOfType, nameFault, type Property, type PropertyType, propertiesOf } from '../../../model/body';
import { Problem } from '../../../shared/Problem';
import { useFlash } from '../../../shell/flash';
import { text } from '../../../text';
import type { Broker } from '../graphs/data';
import { type Destination, destinationsKey, nameOf, publish } from './data';

const words = text.monitoring.destinations;
const FORM = 'publish-form';
const TYPES = (['text', 'number', 'boolean'] as const).map((value) => ({ value, label: words.types[value] }));
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

interface Props {
  broker: Broker;
  of: Destination;
  onClose: () => void;
}

/** Publishes a message to a destination. */
export function PublishForm({ broker, of, onClose }: Props) {
  const [body, setBody] = useState('');
  const [encoding, setEncoding] = useState<'TEXT' | 'BASE64'>('TEXT');
  const [contentType, setContentType] = useState('');
  const [isPersistent, setPersistent] = useState(true);
  const [properties, setProperties] = useState<Property[]>([]);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const client = useQueryClient();
  const flash = useFlash();
  const packed = body.replace(/\s/g, '');
  const isNoBase64 = encoding === 'BASE64' && !BASE64.test(packed);
  const attribute = error instanceof ApiError ? error.attribute : undefined;
  const told = (name: string) => (attribute === name && error instanceof Error ? error.message : undefined);
  const isTold = ['body', 'contentType', 'properties'].includes(attribute ?? '');
  const set = (index: number, changed: Partial<Property>) =>
    setProperties(properties.map((one, at) => (at === index ? { ...one, ...changed } : one)));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isBusy || isNoBase64 || !properties.every((one) => isOfType(one) && !nameFault(one, properties))) return;
    setBusy(true);
    setError(undefined);
    try {
      const { isRouted } = await publish(broker, {
        ...nameOf(of),
        body: encoding === 'BASE64' ? packed : body,
        bodyEncoding: encoding,
        persistent: isPersistent,
        ...(contentType ? { contentType } : {}),
        ...(properties.length ? { properties: propertiesOf(properties) } : {}),
      });
      if (isRouted) flash.done(words.published(of.name));
      else flash.show({ type: 'warning', content: words.unrouted(of.name) });
      await client.invalidateQueries({ queryKey: destinationsKey(broker) });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      size="large"
      header={words.publishTo(of.name)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form={FORM} formAction="submit" loading={isBusy}>
              {words.publishMessage}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id={FORM} onSubmit={submit} noValidate>
        <SpaceBetween size="l">
          {error !== undefined && !isTold ? <Problem error={error} /> : null}
          <FormField label={words.encoding}>
            <SegmentedControl
              label={words.encoding}
              selectedId={encoding}
              onChange={({ detail }) => setEncoding(detail.selectedId as typeof encoding)}
              options={(['TEXT', 'BASE64'] as const).map((id) => ({ id, text: words.encodings[id] }))}
            />
          </FormField>
          <FormField
            label={words.body}
            constraintText={words.bodyHelp}
            errorText={isTried && isNoBase64 ? words.notBase64 : told('body')}
          >
            <Textarea rows={8} spellcheck={false} value={body} onChange={({ detail }) => setBody(detail.value)} />
          </FormField>
          <FormField
            label={
              <>
                {words.contentType} <i>– {words.optional}</i>
              </>
            }
            errorText={told('contentType')}
          >
            <Input
              value={contentType}
              placeholder="application/json"
              onChange={({ detail }) => setContentType(detail.value)}
            />
          </FormField>
          <FormField label={words.properties} errorText={told('properties')} stretch>
            <AttributeEditor
              items={properties}
              empty={words.noPropertiesYet}
              addButtonText={words.addProperty}
              removeButtonText={words.remove}
              removeButtonAriaLabel={(item) => words.removeProperty(item.name)}
              onAddButtonClick={() => setProperties([...properties, { name: '', value: '', type: 'text' }])}
              onRemoveButtonClick={({ detail }) =>
                setProperties(properties.filter((_, index) => index !== detail.itemIndex))
              }
              definition={[
                {
                  label: words.property,
                  control: (item, index) => (
                    <Input value={item.name} onChange={({ detail }) => set(index, { name: detail.value })} />
                  ),
                  errorText: (item) => {
                    const fault = isTried ? nameFault(item, properties) : undefined;
                    return fault && words.nameFaults[fault];
                  },
                },
                {
                  label: words.type,
                  control: (item, index) => (
                    <Select
                      options={TYPES}
                      selectedOption={TYPES.find(({ value }) => value === item.type) ?? null}
                      onChange={({ detail }) => set(index, { type: detail.selectedOption.value as PropertyType })}
                    />
                  ),
                },
                {
                  label: words.value,
                  control: (item, index) => (
                    <Input value={item.value} onChange={({ detail }) => set(index, { value: detail.value })} />
                  ),
                  errorText: (item) => (isTried && !isOfType(item) ? words.wrongType[item.type] : undefined),
                },
              ]}
            />
          </FormField>
          <Checkbox checked={isPersistent} onChange={({ detail }) => setPersistent(detail.checked)}>
            {words.persistent}
          </Checkbox>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
