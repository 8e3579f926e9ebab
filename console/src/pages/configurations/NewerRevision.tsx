// The dialog that shows what somebody else saved next to what is not saved, and asks what is to be done.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Diff } from '../../shared/editor/Editor';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import type { Configuration } from './data';
import { languageOf } from './language';
import { useContent } from './useContent';

const words = text.configurations;

interface Props {
  configuration: Configuration;
  draft: string;
  onKeep: () => void;
  onTake: () => void;
  onClose: () => void;
}

export function NewerRevision({ configuration, draft, onKeep, onTake, onClose }: Props) {
  const { revision } = configuration.latestRevision;
  const content = useContent(configuration.id, revision);
  return (
    <Modal
      visible
      size="max"
      header={words.newerTitle(revision)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button onClick={onTake}>{words.newerTake(revision)}</Button>
            <Button variant="primary" onClick={onKeep}>
              {words.newerKeep}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">{words.newerLost(revision)}</Alert>
        {content.error ? <Problem error={content.error} /> : null}
        {content.data === undefined ? (
          <Loading />
        ) : (
          <Diff
            language={languageOf(configuration)}
            before={content.data}
            beforeLabel={words.revisionOf(revision)}
            after={draft}
            afterLabel={words.mine}
          />
        )}
      </SpaceBetween>
    </Modal>
  );
}
