// The tags of a resource, as a form.
import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import { type FormEvent, useEffect, useState } from 'react';
import { type TagChanges, tagChanges } from '../model/tagChanges';
import { text } from '../text';

const words = text.account.tags;
/** The most tags that a resource can have. */
const MAX_TAGS = 50;

interface Props {
  tags: Record<string, string>;
  description?: string;
  /** Saves what was changed here; what others changed meanwhile is none of it. */
  onSave: (changes: TagChanges) => Promise<unknown>;
}

export function TagsEditor({ tags, description, onSave }: Props) {
  const known = JSON.stringify(tags);
  const rows = () => Object.entries(tags).map(([key, value]) => ({ key, value }));
  const [items, setItems] = useState(rows);
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  // What the server has now is shown, unless something was changed here.
  const [base, setBase] = useState(known);
  const wanted = Object.fromEntries(items.map(({ key, value }) => [key.trim(), value]));
  const changes = tagChanges(JSON.parse(base) as Record<string, string>, wanted);
  const isChanged = Object.keys(changes.set).length > 0 || changes.removed.length > 0;
  // What was known when it was saved is older than what was saved.
  const [before, setBefore] = useState<string>();
  useEffect(() => {
    if (known === base || known === before || isChanged) return;
    setItems(rows());
    setBase(known);
    setBefore(undefined);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [known, base, before, isChanged]);
  const faultOf = (key: string) => {
    if (!key.trim()) return words.keyMissing;
    return items.filter((other) => other.key.trim() === key.trim()).length > 1 ? words.keyTwice : undefined;
  };
  const isWrong = items.some(({ key }) => faultOf(key) !== undefined);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || isWrong) return;
    setBusy(true);
    setError(undefined);
    try {
      await onSave(changes);
      setBase(JSON.stringify(wanted));
      setBefore(known);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };

  return (
    <form onSubmit={submit}>
      <Form>
        <Container
          header={
            <Header
              variant="h2"
              description={description}
              counter={`(${items.length})`}
              actions={
                <Button formAction="submit" loading={isBusy} disabled={!isChanged || isWrong}>
                  {text.common.save}
                </Button>
              }
            >
              {words.title}
            </Header>
          }
        >
          {error ? <Alert type="error">{error}</Alert> : null}
          <AttributeEditor
            items={items}
            addButtonText={words.add}
            removeButtonText={words.remove}
            removeButtonAriaLabel={({ key }) => `${words.remove} ${key}`}
            disableAddButton={items.length >= MAX_TAGS}
            empty={words.empty}
            onAddButtonClick={() => setItems([...items, { key: '', value: '' }])}
            onRemoveButtonClick={({ detail }) => setItems(items.filter((_, at) => at !== detail.itemIndex))}
            definition={[
              {
                label: words.key,
                control: (item, at) => (
                  <Input
                    value={item.key}
                    onChange={({ detail }) => setItems(items.with(at, { ...item, key: detail.value }))}
                  />
                ),
                errorText: ({ key }) => (isChanged ? faultOf(key) : undefined),
              },
              {
                label: words.value,
                control: (item, at) => (
                  <Input
                    value={item.value}
                    onChange={({ detail }) => setItems(items.with(at, { ...item, value: detail.value }))}
                  />
                ),
              },
            ]}
          />
        </Container>
      </Form>
    </form>
  );
}
