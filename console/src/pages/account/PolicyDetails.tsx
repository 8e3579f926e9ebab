// A managed policy: its document and versions, who has it, its tags.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { ApiError } from '../../api/errors';
import { indented } from '../../model/policy';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { CopyText } from '../../shared/CopyText';
import { Editor } from '../../shared/editor/Editor';
import { Loading } from '../../shared/Loading';
import { NotFound } from '../../shared/NotFound';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { TagsEditor } from '../../shared/TagsEditor';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import {
  changeTagsOf,
  createVersion,
  deletePolicy,
  deleteVersion,
  entitiesOf,
  getPolicy,
  getVersion,
  keys,
  listVersions,
  type Policy,
  setDefaultVersion,
} from './iam';

const words = text.account.policies;
const LIST = '/account/policies';
const TABS = { user: 'users', group: 'groups', role: 'roles' } as const;

export function PolicyDetails({ arn }: { arn: string }) {
  const query = useQuery({ queryKey: keys.one('policy', arn), queryFn: () => getPolicy(arn) });
  if (query.data) return <Details policy={query.data} />;
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFound what={text.account.missing} />;
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading />;
}

function Details({ policy }: { policy: Policy }) {
  const { arn, name } = policy;
  const isOfAws = arn.startsWith('arn:aws:iam::aws:');
  const [isDeleting, setDeleting] = useState(false);
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const flash = useFlash();
  const again = async () => {
    await queries.invalidateQueries({ queryKey: keys.one('policy', arn) });
    void queries.invalidateQueries({ queryKey: keys.list('policy') });
  };
  return (
    <SpaceBetween size="l">
      <Link
        href={`/console${LIST}`}
        onFollow={(event) => {
          event.preventDefault();
          navigate(LIST);
        }}
      >
        {text.account.back(text.account.tabs.policies)}
      </Link>
      {isOfAws ? <Alert type="info">{words.ofAws}</Alert> : null}
      <Container
        header={
          <Header
            variant="h2"
            description={policy.description}
            actions={isOfAws ? undefined : <Button onClick={() => setDeleting(true)}>{text.common.delete}</Button>}
          >
            {name}
          </Header>
        }
      >
        <KeyValuePairs
          columns={4}
          items={[
            { label: text.account.arn, value: <CopyText value={arn} label={text.account.arn} /> },
            { label: words.defaultVersion, value: policy.defaultVersion },
            { label: words.attachments, value: policy.attachments },
            { label: text.configurations.changedAt, value: <Time value={policy.updated} /> },
          ]}
        />
      </Container>
      <Versions key={policy.defaultVersion} policy={policy} isOfAws={isOfAws} onChanged={again} />
      <Entities arn={arn} />
      {isOfAws ? null : (
        <TagsEditor
          tags={policy.tags}
          onSave={async (changes) => {
            await changeTagsOf({ kind: 'policy', arn }, changes);
            await again();
            flash.done(text.account.tags.saved);
          }}
        />
      )}
      {isDeleting ? (
        <ConfirmByName
          title={words.deleteTitle(name)}
          lost={words.deleteLost}
          name={name}
          action={text.common.delete}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await deletePolicy(arn);
            flash.done(words.deleted(name));
            navigate(LIST);
            void queries.invalidateQueries({ queryKey: keys.list('policy') });
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}

interface VersionsProps {
  policy: Policy;
  isOfAws: boolean;
  onChanged: () => Promise<unknown>;
}

function Versions({ policy: { arn, defaultVersion }, isOfAws, onChanged }: VersionsProps) {
  const [shown, setShown] = useState(defaultVersion);
  const [written, setWritten] = useState<string>();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const flash = useFlash();
  const about = keys.one('policy', arn);
  const versions = useQuery({ queryKey: [...about, 'versions'], queryFn: () => listVersions(arn) });
  const document = useQuery({
    queryKey: [...about, 'version', shown],
    queryFn: async () => indented(await getVersion(arn, shown)),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const run = async (what: () => Promise<string>) => {
    setBusy(true);
    setError(undefined);
    try {
      flash.done(await what());
      await onChanged();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };
  const choose = (version: string) => {
    setShown(version);
    setWritten(undefined);
  };
  const isChanged = written !== undefined && written !== document.data;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={isOfAws ? undefined : words.documentHelp}
            actions={
              isOfAws ? undefined : (
                <SpaceBetween direction="horizontal" size="xs">
                  <Button disabled={!isChanged} onClick={() => setWritten(undefined)}>
                    {text.configurations.discard}
                  </Button>
                  <Button
                    variant="primary"
                    disabled={!isChanged}
                    loading={isBusy}
                    onClick={() => void run(async () => words.versionSaved(await createVersion(arn, written ?? '')))}
                  >
                    {words.newVersion}
                  </Button>
                </SpaceBetween>
              )
            }
          >
            {`${words.document}, ${shown}`}
          </Header>
        }
      >
        <SpaceBetween size="m">
          {error ? <Alert type="error">{error}</Alert> : null}
          {document.error ? <Problem error={document.error} onRetry={() => void document.refetch()} /> : null}
          {document.data === undefined ? (
            <Loading />
          ) : (
            <Editor
              label={words.document}
              language={{ kind: 'policy' }}
              value={written ?? document.data}
              onChange={setWritten}
              isReadOnly={isOfAws}
              lines={24}
            />
          )}
        </SpaceBetween>
      </Container>
      <Table
        items={versions.data ?? []}
        trackBy="id"
        loading={versions.isPending}
        loadingText={text.common.loading}
        enableKeyboardNavigation
        header={
          <Header variant="h2" counter={`(${versions.data?.length ?? 0}/5)`} description={words.versionsHelp}>
            {words.versions}
          </Header>
        }
        columnDefinitions={[
          {
            id: 'version',
            header: words.version,
            isRowHeader: true,
            minWidth: 140,
            cell: ({ id, isDefault }) => (
              <Button variant="inline-link" onClick={() => choose(id)}>
                {isDefault ? `${id} (${words.inForce})` : id}
              </Button>
            ),
          },
          {
            id: 'created',
            header: text.account.createdAt,
            minWidth: 200,
            cell: ({ created }) => <Time value={created} />,
          },
          {
            id: 'actions',
            header: text.account.actions,
            minWidth: 220,
            cell: ({ id, isDefault }) =>
              isDefault || isOfAws ? (
                text.common.none
              ) : (
                <SpaceBetween direction="horizontal" size="m">
                  <Button
                    variant="inline-link"
                    ariaLabel={`${words.makeDefault}: ${id}`}
                    onClick={() =>
                      void run(async () => {
                        await setDefaultVersion(arn, id);
                        return words.madeDefault(id);
                      })
                    }
                  >
                    {words.makeDefault}
                  </Button>
                  <Button
                    variant="inline-link"
                    ariaLabel={`${words.deleteVersion}: ${id}`}
                    onClick={() =>
                      void run(async () => {
                        await deleteVersion(arn, id);
                        choose(defaultVersion);
                        return words.versionDeleted(id);
                      })
                    }
                  >
                    {words.deleteVersion}
                  </Button>
                </SpaceBetween>
              ),
          },
        ]}
      />
    </SpaceBetween>
  );
}

function Entities({ arn }: { arn: string }) {
  const query = useQuery({ queryKey: [...keys.one('policy', arn), 'entities'], queryFn: () => entitiesOf(arn) });
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <Table
      items={query.data ?? []}
      trackBy={({ kind, name }) => `${kind} ${name}`}
      loading={query.isPending}
      loadingText={text.common.loading}
      enableKeyboardNavigation
      header={
        <Header variant="h2" counter={query.data ? `(${query.data.length})` : undefined}>
          {words.entities}
        </Header>
      }
      columnDefinitions={[
        {
          id: 'name',
          header: text.account.name,
          isRowHeader: true,
          cell: ({ kind, name }) => (
            <RouterLink href={`/account/${TABS[kind]}?name=${encodeURIComponent(name)}`}>{name}</RouterLink>
          ),
        },
        { id: 'kind', header: words.kind, cell: ({ kind }) => words.kinds[kind] },
      ]}
      empty={
        <Box textAlign="center" padding="m">
          {words.noEntities}
        </Box>
      }
    />
  );
}
