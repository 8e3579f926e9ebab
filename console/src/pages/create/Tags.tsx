// The tags of the broker.
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useRef } from 'react';
import { text } from '../../text';
import { Field, fieldName, useForm } from './form';
import { useArrival } from './useArrival';

interface Tag {
  key: string;
  value: string;
}

const MAX_TAGS = 50;

export function Tags() {
  const { draft, change, touch, shown } = useForm();
  const set = (at: number, changes: Partial<Tag>) => {
    change({ tags: draft.tags.map((tag, place) => (place === at ? { ...tag, ...changes } : tag)) });
    touch(fieldName({ attribute: 'tags', tag: at }));
  };
  const last = useRef<InputProps.Ref>(null);
  useArrival(draft.tags.length, last);
  const input = (member: keyof Tag) => (tag: Tag, at: number) => (
    <Input
      ref={member === 'key' && at === draft.tags.length - 1 ? last : null}
      value={tag[member]}
      autoComplete={false}
      spellcheck={false}
      onBlur={() => touch(fieldName({ attribute: 'tags', tag: at }), true)}
      onChange={({ detail }) => set(at, { [member]: detail.value })}
    />
  );
  const error = (_: Tag, at: number) => shown.find(({ attribute, tag }) => attribute === 'tags' && tag === at)?.message;
  return (
    <Container
      header={
        <Header variant="h2" description={text.create.tagsHelp}>
          {text.create.tags}
        </Header>
      }
    >
      <SpaceBetween size="s">
        <AttributeEditor
          items={draft.tags}
          empty={text.create.noTags}
          addButtonText={text.create.addTag}
          removeButtonText={text.create.remove}
          removeButtonAriaLabel={({ key }) => text.create.removeTag(key)}
          i18nStrings={{ itemRemovedAriaLive: text.create.tagRemoved, errorIconAriaLabel: text.create.error }}
          disableAddButton={draft.tags.length >= MAX_TAGS}
          onAddButtonClick={() => change({ tags: [...draft.tags, { key: '', value: '' }] })}
          onRemoveButtonClick={({ detail }) =>
            change({ tags: draft.tags.filter((_, place) => place !== detail.itemIndex) })
          }
          definition={[
            { label: text.create.tagKey, control: input('key'), errorText: error },
            { label: text.create.tagValue, control: input('value') },
          ]}
        />
        <Field attribute="tags" />
      </SpaceBetween>
    </Container>
  );
}
