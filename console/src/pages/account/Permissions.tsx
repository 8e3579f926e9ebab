// The policies of a user, a group or a role: managed ones that are attached, and inline ones.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { indented } from '../../model/policy';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { Editor } from '../../shared/editor/Editor';
import { FormDialog } from '../../shared/FormDialog';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { NEW_POLICY } from './documents';
import { attach, deleteInline, detach, getInline, type Kind, keys, listAttached, listInline, putInline } from './iam';
import { PolicySelect } from './IdentitySelect';

const words = text.account.policies;

/** A policy of an identity; with an ARN it is managed. */
interface Row {
  name: string;
  arn?: string;
}

type Dialog = { kind: 'attach' } | { kind: 'inline'; name?: string } | { kind: 'delete'; name: string };

export function Permissions({ kind, name }: { kind: Kind; name: string }) {
  const [dialog, setDialog] = useState<Dialog>();
  const queries = useQueryClient();
  const flash = useFlash();
  const queryKey = [...keys.one(kind, name), 'policies'];
  const query = useQuery({
    queryKey,
    queryFn: async (): Promise<Row[]> => {
      const [attached, inline] = await Promise.all([listAttached(kind, name), listInline(kind, name)]);
      return [...attached, ...inline.map((one) => ({ name: one }))];
    },
  });
  const again = async () => {
    await queries.invalidateQueries({ queryKey });
    void queries.invalidateQueries({ queryKey: keys.list('policy') });
  };
  const remove = async (title: string, arn: string) => {
    try {
      await detach(kind, name, arn);
      flash.done(words.detached(title));
      await again();
    } catch (error) {
      flash.failed(words.detachOf(title), error);
    }
  };
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const rows = query.data ?? [];
  return (
    <>
      <Table<Row>
        items={rows}
        trackBy={(row) => row.arn ?? row.name}
        loading={query.isPending}
        loadingText={text.common.loading}
        enableKeyboardNavigation
        header={
          <Header
            variant="h2"
            counter={`(${rows.length})`}
            description={words.permissionsHelp}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setDialog({ kind: 'inline' })}>{words.createInline}</Button>
                <Button onClick={() => setDialog({ kind: 'attach' })}>{words.attach}</Button>
              </SpaceBetween>
            }
          >
            {words.permissions}
          </Header>
        }
        columnDefinitions={[
          {
            id: 'name',
            header: text.account.name,
            isRowHeader: true,
            minWidth: 180,
            cell: (row) =>
              row.arn ? (
                <RouterLink href={`/account/policies?name=${encodeURIComponent(row.arn)}`}>{row.name}</RouterLink>
              ) : (
                <Button
                  variant="inline-link"
                  ariaLabel={words.editOf(row.name)}
                  onClick={() => setDialog({ kind: 'inline', name: row.name })}
                >
                  {row.name}
                </Button>
              ),
          },
          {
            id: 'type',
            header: words.type,
            minWidth: 100,
            cell: (row) => (row.arn ? words.managed : words.inline),
          },
          {
            id: 'remove',
            header: text.account.remove,
            minWidth: 100,
            cell: ({ name: title, arn }) =>
              arn ? (
                <Button variant="inline-link" ariaLabel={words.detachOf(title)} onClick={() => void remove(title, arn)}>
                  {words.detach}
                </Button>
              ) : (
                <Button
                  variant="inline-link"
                  ariaLabel={words.deleteOf(title)}
                  onClick={() => setDialog({ kind: 'delete', name: title })}
                >
                  {text.common.delete}
                </Button>
              ),
          },
        ]}
        empty={
          <Box textAlign="center" padding="m">
            {words.none}
          </Box>
        }
      />
      {dialog?.kind === 'attach' ? (
        <Attach
          attached={rows.flatMap(({ arn }) => arn ?? [])}
          onClose={() => setDialog(undefined)}
          onAttach={async (arn) => {
            await attach(kind, name, arn);
            flash.done(words.attached(arn.split('/').pop() ?? arn));
            await again();
          }}
        />
      ) : null}
      {dialog?.kind === 'inline' ? (
        <Inline
          kind={kind}
          holder={name}
          name={dialog.name}
          onClose={() => setDialog(undefined)}
          onSaved={async (inline) => {
            flash.done(words.inlineSaved(inline));
            await again();
          }}
        />
      ) : null}
      {dialog?.kind === 'delete' ? (
        <ConfirmByName
          title={words.deleteOf(dialog.name)}
          lost={words.inlineLost}
          name={dialog.name}
          action={text.common.delete}
          onClose={() => setDialog(undefined)}
          onConfirm={async () => {
            await deleteInline(kind, name, dialog.name);
            flash.done(words.inlineDeleted(dialog.name));
            await again();
          }}
        />
      ) : null}
    </>
  );
}

interface AttachProps {
  attached: string[];
  onClose: () => void;
  onAttach: (arn: string) => Promise<unknown>;
}

function Attach({ attached, onClose, onAttach }: AttachProps) {
  const [arn, setArn] = useState<string>();
  return (
    <FormDialog
      title={words.attach}
      action={words.attach}
      isDisabled={!arn}
      onClose={onClose}
      onSubmit={() => onAttach(arn ?? '')}
    >
      <PolicySelect value={arn} onChange={setArn} without={attached} />
    </FormDialog>
  );
}

interface InlineProps {
  kind: Kind;
  holder: string;
  /** The policy to change; undefined: a new one. */
  name: string | undefined;
  onClose: () => void;
  onSaved: (name: string) => Promise<unknown>;
}

function Inline({ kind, holder, name: given, onClose, onSaved }: InlineProps) {
  const [name, setName] = useState(given ?? '');
  const [written, setWritten] = useState(given === undefined ? NEW_POLICY : undefined);
  const stored = useQuery({
    queryKey: [...keys.one(kind, holder), 'inline', given ?? ''],
    queryFn: async () => indented(await getInline(kind, holder, given ?? '')),
    enabled: given !== undefined,
    // Only what is stored now may be changed.
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const document = written ?? stored.data;
  return (
    <FormDialog
      title={given === undefined ? words.createInline : words.editOf(given)}
      action={text.common.save}
      size="large"
      isDisabled={!name || document === undefined}
      onClose={onClose}
      onSubmit={async () => {
        await putInline(kind, holder, name, document ?? '');
        await onSaved(name);
      }}
    >
      {given === undefined ? (
        <FormField label={text.account.name} constraintText={text.account.nameHelp}>
          <Input
            value={name}
            onChange={({ detail }) => setName(detail.value.trim())}
            autoComplete={false}
            spellcheck={false}
            autoFocus
          />
        </FormField>
      ) : null}
      {stored.error ? <Problem error={stored.error} onRetry={() => void stored.refetch()} /> : null}
      <FormField label={words.document} description={words.documentHelp} stretch>
        {document === undefined ? (
          <Loading />
        ) : (
          <Editor
            label={words.document}
            language={{ kind: 'policy' }}
            value={document}
            onChange={setWritten}
            lines={20}
          />
        )}
      </FormField>
    </FormDialog>
  );
}
