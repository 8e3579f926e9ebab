// The offered versions, the images and patch levels behind them, and their open advisories.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';

type Version = Schemas['OfferedVersion'];

const keyOf = (version: Version) => `${version.engineType} ${version.engineVersion}`;
const nameOf = (version: Version) => `${text.brokers.engineName(version.engineType)} ${version.engineVersion}`;

export function Versions() {
  const query = useQuery({
    queryKey: ['engine-versions', 'operator'],
    queryFn: () => answer(api.GET('/brokerd/v1/engine-versions')),
    refetchInterval: 60_000,
  });
  const [chosen, setChosen] = useState<string>();
  if (query.isError && !query.data) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const versions = query.data?.engineVersions ?? [];
  const selected = versions.find((version) => keyOf(version) === chosen);
  return (
    <SpaceBetween size="l">
      <Table
        variant="container"
        trackBy={keyOf}
        items={versions}
        loading={query.isPending}
        loadingText={text.common.loading}
        selectionType="single"
        selectedItems={selected ? [selected] : []}
        onSelectionChange={({ detail }) => setChosen(detail.selectedItems[0] && keyOf(detail.selectedItems[0]))}
        onRowClick={({ detail }) => setChosen(keyOf(detail.item))}
        ariaLabels={{
          tableLabel: text.operator.versions,
          selectionGroupLabel: text.operator.selectionOfVersion,
          itemSelectionLabel: (_, version) => text.operator.select(nameOf(version)),
        }}
        empty={text.operator.noVersions}
        header={
          <Header
            variant="h2"
            description={text.operator.versionsIntro}
            counter={query.data ? `(${versions.length})` : ''}
          >
            {text.operator.versions}
          </Header>
        }
        columnDefinitions={[
          { id: 'name', header: text.operator.version, cell: nameOf, isRowHeader: true },
          { id: 'patch', header: text.operator.patch, cell: (version) => version.trueVersion },
          {
            id: 'image',
            header: text.operator.image,
            cell: (version) => <Box variant="code">{version.image}</Box>,
          },
          {
            id: 'advisories',
            header: text.operator.advisories,
            cell: (version) => <Advisories version={version} />,
          },
        ]}
      />
      {selected ? (
        <Details version={selected} />
      ) : (
        <Box color="text-body-secondary" textAlign="center">
          {text.operator.selectVersion}
        </Box>
      )}
    </SpaceBetween>
  );
}

function Advisories({ version: { advisories } }: { version: Version }) {
  if (!advisories) return <StatusIndicator type="info">{text.operator.advisoriesUnknown}</StatusIndicator>;
  if (!advisories.length) return <StatusIndicator type="success">{text.operator.noAdvisories}</StatusIndicator>;
  // What is mitigated can wait.
  const isMitigated = advisories.every(({ mitigation }) => mitigation);
  return (
    <StatusIndicator type={isMitigated ? 'info' : 'warning'}>
      {text.operator.openAdvisories(advisories.length)}
    </StatusIndicator>
  );
}

function Details({ version }: { version: Version }) {
  const modules = Object.entries(version.modules);
  return (
    <Container
      header={<Header variant="h2">{text.operator.advisoriesOf(`${nameOf(version)} (${version.trueVersion})`)}</Header>}
    >
      <SpaceBetween size="l">
        {version.notice ? <Alert type="info">{version.notice}</Alert> : null}
        {version.advisories ? (
          <Table
            variant="embedded"
            wrapLines
            items={version.advisories}
            trackBy="id"
            ariaLabels={{ tableLabel: text.operator.advisoriesOf(nameOf(version)) }}
            empty={text.operator.noOpen}
            columnDefinitions={[
              {
                id: 'id',
                header: text.operator.advisory,
                cell: (advisory) => <Box variant="strong">{advisory.id}</Box>,
                isRowHeader: true,
                minWidth: 150,
              },
              {
                id: 'module',
                header: text.operator.module,
                cell: (advisory) => `${advisory.module} ${advisory.moduleVersion}`,
                minWidth: 150,
              },
              { id: 'summary', header: text.operator.summary, cell: (advisory) => advisory.summary, minWidth: 220 },
              {
                id: 'mitigation',
                header: text.operator.mitigation,
                cell: (advisory) =>
                  advisory.mitigation ?? <StatusIndicator type="warning">{text.operator.noMitigation}</StatusIndicator>,
                minWidth: 220,
              },
              { id: 'fixed', header: text.operator.fixedIn, cell: ({ fixedIn }) => fixedIn.join(', '), minWidth: 110 },
            ]}
          />
        ) : (
          <Alert type="info">{text.operator.unknownModules}</Alert>
        )}
        {modules.length ? (
          <ExpandableSection headerText={`${text.operator.modules} (${modules.length})`}>
            <KeyValuePairs columns={4} items={modules.map(([label, value]) => ({ label, value }))} />
          </ExpandableSection>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}
