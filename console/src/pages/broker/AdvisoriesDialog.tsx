import Box from '@cloudscape-design/components/box';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import Alert from '@cloudscape-design/components/alert';
import type { Schemas } from '../../api/client';
import { text } from '../../text';

const { advisories } = text.broker;

/** The open advisories of an engine, with what is done about them here. */
export function AdvisoriesDialog({ version, onClose }: { version: Schemas['OfferedVersion']; onClose: () => void }) {
  const name = `${version.engineType === 'ACTIVEMQ' ? 'ActiveMQ' : 'RabbitMQ'} ${version.trueVersion}`;
  return (
    <Modal visible size="max" header={advisories.title} closeAriaLabel={text.common.close} onDismiss={onClose}>
      <SpaceBetween size="m">
        <Box variant="p">{advisories.intro(name)}</Box>
        {version.notice ? <Alert type="warning">{version.notice}</Alert> : null}
        <Table
          variant="embedded"
          wrapLines
          items={version.advisories ?? []}
          trackBy={(one) => `${one.id} ${one.module}`}
          columnDefinitions={[
            { id: 'id', header: advisories.id, cell: (one) => one.id, isRowHeader: true, minWidth: 150 },
            { id: 'module', header: advisories.module, cell: (one) => `${one.module} ${one.moduleVersion}` },
            { id: 'summary', header: advisories.summary, cell: (one) => one.summary, minWidth: 220 },
            { id: 'fixed', header: advisories.fixed, cell: (one) => one.fixedIn.join(', ') },
            {
              id: 'mitigation',
              header: advisories.mitigation,
              cell: (one) => one.mitigation ?? advisories.none,
              minWidth: 200,
            },
          ]}
        />
      </SpaceBetween>
    </Modal>
  );
}
