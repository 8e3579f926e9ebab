// A configuration: its editor, its revisions, the brokers that use it, its tags.
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { ApiError } from '../../api/errors';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { CopyText } from '../../shared/CopyText';
import { Loading } from '../../shared/Loading';
import { NotFound } from '../../shared/NotFound';
import { Problem } from '../../shared/Problem';
import { TagsEditor } from '../../shared/TagsEditor';
import { Time } from '../../shared/Time';
import { changeTags } from '../../shared/tags';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { BrokersTab } from './BrokersTab';
import { type Configuration, describe, keys, remove } from './data';
import { EditorTab } from './EditorTab';
import { RevisionsTab } from './RevisionsTab';
import { strategy } from './strategy';

const words = text.configurations;
/** How often it is looked whether somebody else saved a revision: no event tells it. In milliseconds. */
const LOOK_AGAIN_MS = 15_000;
const TABS = ['editor', 'revisions', 'brokers', 'tags'] as const;

export default function Page() {
  const { id = '', tab } = useParams<{ id: string; tab?: string }>();
  const query = useQuery({
    queryKey: keys.one(id),
    queryFn: () => describe(id),
    refetchInterval: LOOK_AGAIN_MS,
  });
  if (query.data) return <Details configuration={query.data} tab={TABS.find((one) => one === tab) ?? 'editor'} />;
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFound what={words.missing} />;
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading />;
}

function Details({ configuration, tab }: { configuration: Configuration; tab: (typeof TABS)[number] }) {
  const [isDeleting, setDeleting] = useState(false);
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const flash = useFlash();
  const { id, name, arn, latestRevision: latest } = configuration;
  const again = () => queries.invalidateQueries({ queryKey: keys.one(id) });

  return (
    <ContentLayout
      header={
        <Header variant="h1" actions={<Button onClick={() => setDeleting(true)}>{text.common.delete}</Button>}>
          {name}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Container header={<Header variant="h2">{words.details}</Header>}>
          <KeyValuePairs
            columns={3}
            items={[
              { label: words.engine, value: `${configuration.engineType} ${configuration.engineVersion}` },
              { label: words.strategy, value: strategy(configuration.authenticationStrategy) },
              { label: words.latest, value: latest.revision },
              { label: words.createdAt, value: <Time value={configuration.created} /> },
              { label: words.id, value: <CopyText value={id} label={words.id} /> },
              { label: words.arn, value: <CopyText value={arn} label={words.arn} /> },
            ]}
          />
        </Container>
        <Tabs
          i18nStrings={text.configurations.scroll}
          activeTabId={tab}
          ariaLabel={name}
          onChange={({ detail }) => navigate(`/configurations/${id}/${detail.activeTabId}`)}
          tabs={[
            {
              id: 'editor',
              label: words.tabs.editor,
              content: <EditorTab configuration={configuration} onSaved={again} />,
            },
            {
              id: 'revisions',
              label: words.tabs.revisions,
              content: <RevisionsTab configuration={configuration} onSaved={again} />,
            },
            { id: 'brokers', label: words.tabs.brokers, content: <BrokersTab configuration={configuration} /> },
            {
              id: 'tags',
              label: words.tabs.tags,
              content: (
                <TagsEditor
                  tags={configuration.tags}
                  description={words.tagsHelp}
                  onSave={async (changes) => {
                    await changeTags(arn, changes);
                    await again();
                    flash.done(words.tagsSaved);
                  }}
                />
              ),
            },
          ]}
        />
      </SpaceBetween>
      {isDeleting ? (
        <ConfirmByName
          title={words.deleteTitle(name)}
          lost={words.deleteLost(latest.revision)}
          name={name}
          action={text.common.delete}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await remove(id);
            flash.done(words.deleted(name));
            navigate('/configurations');
            queries.removeQueries({ queryKey: keys.one(id) });
            void queries.invalidateQueries({ queryKey: keys.list });
          }}
        />
      ) : null}
    </ContentLayout>
  );
}
