import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { text } from '../../text';
import type { EngineVersion } from './queries';

const t = text.settings;

/** How many advisories are open, in a few words. */
export function AdvisoryCount({ engine }: { engine: EngineVersion | undefined }) {
  if (!engine) return <>{text.common.none}</>;
  if (!engine.advisories) return <StatusIndicator type="info">{t.advisoriesUnknown}</StatusIndicator>;
  const count = engine.advisories.length;
  if (!count) return <StatusIndicator type="success">{t.advisoriesNone}</StatusIndicator>;
  return <StatusIndicator type="warning">{t.advisoriesOpen(count)}</StatusIndicator>;
}

/** The open advisories of a version, one under another. */
export function Advisories({ engine }: { engine: EngineVersion | undefined }) {
  if (!engine?.advisories?.length) return null;
  return (
    <ExpandableSection headerText={t.advisoriesOf(engine.trueVersion)} headingTagOverride="h3">
      <Table
        variant="embedded"
        wrapLines
        items={engine.advisories}
        trackBy="id"
        ariaLabels={{ tableLabel: t.advisoriesOf(engine.trueVersion) }}
        columnDefinitions={[
          { id: 'id', header: t.advisory, isRowHeader: true, minWidth: 150, cell: ({ id }) => id },
          { id: 'summary', header: t.summary, minWidth: 220, cell: ({ summary }) => summary },
          {
            id: 'module',
            header: t.module,
            minWidth: 150,
            cell: ({ module, moduleVersion }) => `${module} ${moduleVersion}`,
          },
          { id: 'fixed', header: t.fixedIn, minWidth: 110, cell: ({ fixedIn }) => fixedIn.join(', ') },
          {
            id: 'mitigation',
            header: t.mitigation,
            minWidth: 180,
            cell: ({ mitigation }) => mitigation ?? <Box color="text-body-secondary">{t.noMitigation}</Box>,
          },
        ]}
      />
    </ExpandableSection>
  );
}
