import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import {
  keyFault,
  MAX_TAGS,
  type TagConflict,
  tagChanges,
  tagConflicts,
  type Tags,
  valueFault,
} from '../../model/tagChanges';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Broker, useChanged } from './queries';

const t = text.settings;

interface Row {
  key: string;
  value: string;
  /** It is on the broker; its key does not change. */
  isKept: boolean;
}

const rowsOf = (tags: Tags): Row[] => Object.entries(tags).map(([key, value]) => ({ key, value, isKept: true }));
const tagsOf = (rows: readonly Row[]): Tags => Object.fromEntries(rows.map(({ key, value }) => [key.trim(), value]));

/** The editor of the broker's tags. Only differences are sent. */
export default function TagsTab({ broker }: { broker: Broker }) {
  const [base, setBase] = useState<Tags>(broker.tags);
  const [rows, setRows] = useState(() => rowsOf(broker.tags));
  const [isChecked, setChecked] = useState(false);
  const [error, setError] = useState<unknown>();
  const [conflicts, setConflicts] = useState<TagConflict[]>([]);
  const [isBusy, setBusy] = useState(false);
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const keys = rows.map(({ key }) => key.trim());
  const wanted = tagsOf(rows);
  const { set, removed } = tagChanges(base, wanted);
  const isIncomplete = new Set(keys).size < keys.length || keys.includes('');
  const isTouched = Object.keys(set).length + removed.length > 0 || isIncomplete;

  // What others changed is shown at once where nothing was entered here.
  if (!isTouched && base !== broker.tags && JSON.stringify(base) !== JSON.stringify(broker.tags)) {
    setBase(broker.tags);
    setRows(rowsOf(broker.tags));
  }

  const change = (at: number, changes: Partial<Row>) =>
    setRows(rows.map((row, one) => (one === at ? { ...row, ...changes } : row)));
  const open = (tags: Tags, on: Tags = tags) => {
    setBase(on);
    setRows(Object.entries(tags).map(([key, value]) => ({ key, value, isKept: key in on })));
    setChecked(false);
    setConflicts([]);
    setError(undefined);
  };
  const save = async () => {
    setChecked(true);
    if (rows.some(({ key, value }) => keyFault(key.trim(), keys) ?? valueFault(value))) return;
    setBusy(true);
    setError(undefined);
    const path = { 'resource-arn': broker.brokerArn };
    try {
      const { tags: now } = await answer(api.GET('/v1/tags/{resource-arn}', { params: { path } }));
      const found = tagConflicts(base, now, wanted);
      if (found.length) {
        setConflicts(found);
        return;
      }
      // First what makes room: a broker may have as many as it can.
      if (removed.length) {
        await answer(api.DELETE('/v1/tags/{resource-arn}', { params: { path, query: { tagKeys: removed } } }));
      }
      if (Object.keys(set).length) {
        await answer(api.POST('/v1/tags/{resource-arn}', { params: { path }, body: { tags: set } }));
      }
      const after = { ...now, ...set };
      for (const key of removed) delete after[key];
      open(after);
      await changed();
      flash.done(t.tagsSaved);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  /** Goes on from what the broker has now, with the own changes or without those that are in conflict. */
  const settle = (keepsMine: boolean) => {
    const now = { ...base };
    const after = { ...wanted };
    for (const { key, now: theirs } of conflicts) {
      if (theirs === undefined) delete now[key];
      else now[key] = theirs;
      if (keepsMine) continue;
      if (theirs === undefined) delete after[key];
      else after[key] = theirs;
    }
    open(after, now);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save();
  };

  return (
    <form onSubmit={submit}>
      <Container
        header={
          <Header variant="h2" counter={t.pendingCount(Object.keys(base).length)} description={t.tagsIntro}>
            {t.tagsTitle}
          </Header>
        }
        footer={
          <SpaceBetween direction="horizontal" size="s" alignItems="center">
            <Button
              variant="primary"
              formAction="submit"
              loading={isBusy}
              disabled={!isTouched}
              disabledReason={isTouched ? undefined : t.tagsUnchanged}
            >
              {t.save}
            </Button>
            <Button formAction="none" disabled={!isTouched || isBusy} onClick={() => open(broker.tags)}>
              {t.discard}
            </Button>
            <Box color="text-body-secondary">{t.tagsDifference(Object.keys(set).length, removed.length)}</Box>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="m">
          {error ? <Problem error={error} /> : null}
          {conflicts.length ? <Conflicts conflicts={conflicts} onSettle={settle} /> : null}
          <AttributeEditor
            items={rows}
            empty={t.tagsEmpty}
            addButtonText={t.tagAdd}
            disableAddButton={rows.length >= MAX_TAGS}
            additionalInfo={t.tagLeft(MAX_TAGS - rows.length)}
            removeButtonText={t.tagRemove}
            removeButtonAriaLabel={({ key }) => t.tagRemoveWhat(key)}
            onAddButtonClick={() => setRows([...rows, { key: '', value: '', isKept: false }])}
            onRemoveButtonClick={({ detail }) => setRows(rows.filter((_, at) => at !== detail.itemIndex))}
            definition={[
              {
                label: t.tagKey,
                errorText: ({ key }) => {
                  const fault = keyFault(key.trim(), keys);
                  // A key that is not entered yet is no mistake before saving.
                  return fault && (isChecked || fault !== 'EMPTY') ? t.tagFaults[fault] : undefined;
                },
                control: (row, at) => (
                  <Input
                    value={row.key}
                    onChange={({ detail }) => change(at, { key: detail.value })}
                    readOnly={row.isKept}
                    autoComplete={false}
                  />
                ),
              },
              {
                label: `${t.tagValue} – ${t.tagValueOptional}`,
                errorText: ({ value }) => {
                  const fault = valueFault(value);
                  return fault && t.tagFaults[fault];
                },
                control: (row, at) => (
                  <Input
                    value={row.value}
                    onChange={({ detail }) => change(at, { value: detail.value })}
                    autoComplete={false}
                  />
                ),
              },
            ]}
          />
        </SpaceBetween>
      </Container>
    </form>
  );
}

function Conflicts({ conflicts, onSettle }: { conflicts: TagConflict[]; onSettle: (keepsMine: boolean) => void }) {
  const shown = (value: string | undefined) => value ?? t.tagAbsent;
  return (
    <Alert
      type="warning"
      header={t.tagsStaleTitle}
      action={
        <SpaceBetween direction="horizontal" size="xs">
          <Button formAction="none" onClick={() => onSettle(false)}>
            {t.takeTheirs}
          </Button>
          <Button formAction="none" onClick={() => onSettle(true)}>
            {t.keepMine}
          </Button>
        </SpaceBetween>
      }
    >
      {t.tagsStaleIntro}
      <Table
        variant="embedded"
        ariaLabels={{ tableLabel: t.tagsStaleTitle }}
        items={conflicts}
        trackBy="key"
        columnDefinitions={[
          { id: 'key', header: t.tagKey, isRowHeader: true, cell: ({ key }) => key },
          { id: 'before', header: t.whenOpened, cell: ({ before }) => shown(before) },
          { id: 'now', header: t.onBroker, cell: ({ now }) => shown(now) },
          { id: 'mine', header: t.yours, cell: ({ mine }) => shown(mine) },
        ]}
      />
    </Alert>
  );
}
