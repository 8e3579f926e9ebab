// The revision history: view, download, compare any two, roll back.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { download } from '../../shared/download';
import { Diff, Editor } from '../../shared/editor/Editor';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Configuration, fileName, keys, type Revision, readContent, readRevisions } from './data';
import { languageOf } from './language';
import { SaveRevision } from './SaveRevision';
import { useContent } from './useContent';

const words = text.configurations;

type Dialog =
  | { kind: 'view'; revision: number }
  | { kind: 'compare'; from: number; to: number }
  | { kind: 'rollBack'; revision: number };

interface Props {
  configuration: Configuration;
  onSaved: () => Promise<unknown>;
}

export function RevisionsTab({ configuration, onSaved }: Props) {
  const { id, latestRevision } = configuration;
  const latest = latestRevision.revision;
  const [chosen, setChosen] = useState<Revision[]>([]);
  const [dialog, setDialog] = useState<Dialog>();
  const flash = useFlash();
  const query = useQuery({
    queryKey: [...keys.revisions(id), latest],
    queryFn: () => readRevisions(id),
  });
  const close = () => setDialog(undefined);
  const numbers = chosen.map(({ revision }) => revision).sort((one, other) => one - other);
  const [first, second] = numbers;
  const isOldOne = numbers.length === 1 && first !== undefined && first < latest;
  const store = (revision: number) =>
    readContent(id, revision).then(
      (content) => download(fileName(configuration, revision), content),
      (error: unknown) => flash.failed(words.download, error),
    );

  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <>
      <Table
        items={query.data ?? []}
        loading={query.isPending}
        loadingText={text.common.loading}
        trackBy="revision"
        selectionType="multi"
        selectedItems={chosen}
        // A third one takes the place of the older choice.
        onSelectionChange={({ detail }) => setChosen(detail.selectedItems.slice(-2))}
        ariaLabels={{
          selectionGroupLabel: words.chosen,
          allItemsSelectionLabel: () => words.chosen,
          itemSelectionLabel: (_, one) => words.choose(one.revision),
        }}
        enableKeyboardNavigation
        header={
          <Header
            variant="h2"
            counter={query.data ? `(${query.data.length})` : undefined}
            description={words.compareHelp}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  iconName="download"
                  disabled={numbers.length !== 1}
                  onClick={() => first !== undefined && void store(first)}
                >
                  {words.download}
                </Button>
                <Button
                  disabled={!(numbers.length === 2 || isOldOne)}
                  onClick={() =>
                    first !== undefined && setDialog({ kind: 'compare', from: first, to: second ?? latest })
                  }
                >
                  {words.compare}
                </Button>
                <Button
                  disabled={!isOldOne}
                  onClick={() => first !== undefined && setDialog({ kind: 'rollBack', revision: first })}
                >
                  {words.rollBack}
                </Button>
              </SpaceBetween>
            }
          >
            {words.tabs.revisions}
          </Header>
        }
        columnDefinitions={[
          {
            id: 'revision',
            header: words.revision,
            isRowHeader: true,
            minWidth: 110,
            cell: ({ revision }) => (revision === latest ? `${revision} (${words.isLatest})` : revision),
          },
          { id: 'created', header: words.createdAt, minWidth: 200, cell: ({ created }) => <Time value={created} /> },
          {
            id: 'description',
            header: words.description,
            minWidth: 220,
            cell: ({ description }) => description ?? text.common.none,
          },
          {
            id: 'view',
            header: words.view,
            minWidth: 90,
            cell: ({ revision }) => (
              <Button
                variant="inline-link"
                ariaLabel={`${words.view}: ${words.revisionOf(revision)}`}
                onClick={() => setDialog({ kind: 'view', revision })}
              >
                {words.view}
              </Button>
            ),
          },
        ]}
      />
      {dialog?.kind === 'view' ? (
        <View configuration={configuration} revision={dialog.revision} onClose={close} />
      ) : null}
      {dialog?.kind === 'compare' ? (
        <Compare
          configuration={configuration}
          revisions={(query.data ?? []).map(({ revision }) => revision)}
          chosen={dialog}
          onChange={(from, to) => setDialog({ kind: 'compare', from, to })}
          onClose={close}
        />
      ) : null}
      {dialog?.kind === 'rollBack' ? (
        <RollBack
          configuration={configuration}
          revision={dialog.revision}
          onClose={close}
          onDone={async (made) => {
            close();
            setChosen([]);
            flash.done(words.rolledBack(made, dialog.revision));
            await onSaved();
          }}
        />
      ) : null}
    </>
  );
}

interface ViewProps {
  configuration: Configuration;
  revision: number;
  onClose: () => void;
}

function View({ configuration, revision, onClose }: ViewProps) {
  const content = useContent(configuration.id, revision);
  return (
    <Modal
      visible
      size="max"
      header={words.revisionOf(revision)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
    >
      {content.error ? <Problem error={content.error} /> : null}
      {content.data === undefined ? (
        <Loading />
      ) : (
        <Editor
          label={words.revisionOf(revision)}
          language={languageOf(configuration)}
          value={content.data}
          lines={26}
          isReadOnly
        />
      )}
    </Modal>
  );
}

interface CompareProps {
  configuration: Configuration;
  revisions: number[];
  chosen: { from: number; to: number };
  onChange: (from: number, to: number) => void;
  onClose: () => void;
}

function Compare({ configuration, revisions, chosen: { from, to }, onChange, onClose }: CompareProps) {
  const [before, after] = [useContent(configuration.id, from), useContent(configuration.id, to)];
  const options = revisions.map((one) => ({ value: String(one), label: words.revisionOf(one) }));
  const option = (one: number) => ({ value: String(one), label: words.revisionOf(one) });
  return (
    <Modal
      visible
      size="max"
      header={words.compareTitle(from, to)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
    >
      <SpaceBetween size="m">
        <Grid gridDefinition={[{ colspan: { default: 6 } }, { colspan: { default: 6 } }]}>
          <FormField label={words.compareFrom}>
            <Select
              selectedOption={option(from)}
              options={options}
              onChange={({ detail }) => onChange(Number(detail.selectedOption.value), to)}
            />
          </FormField>
          <FormField label={words.compareTo}>
            <Select
              selectedOption={option(to)}
              options={options}
              onChange={({ detail }) => onChange(from, Number(detail.selectedOption.value))}
            />
          </FormField>
        </Grid>
        {before.error || after.error ? <Problem error={before.error ?? after.error} /> : null}
        {before.data === undefined || after.data === undefined ? (
          <Loading />
        ) : before.data === after.data ? (
          <Box>{words.unchanged}</Box>
        ) : (
          <Diff
            language={languageOf(configuration)}
            before={before.data}
            beforeLabel={words.revisionOf(from)}
            after={after.data}
            afterLabel={words.revisionOf(to)}
          />
        )}
      </SpaceBetween>
    </Modal>
  );
}

interface RollBackProps extends ViewProps {
  onDone: (made: number) => Promise<unknown>;
}

function RollBack({ configuration, revision, onClose, onDone }: RollBackProps) {
  const latest = configuration.latestRevision.revision;
  const before = useContent(configuration.id, latest);
  const after = useContent(configuration.id, revision);
  return (
    <SaveRevision
      configuration={configuration}
      before={before.data}
      base={latest}
      after={after.data}
      title={words.rollBackTitle(revision)}
      intro={words.rollBackIntro(latest + 1, revision)}
      description={words.rollBackDescription(revision)}
      onClose={onClose}
      onSaved={(saved) => onDone(saved.revision)}
    />
  );
}
