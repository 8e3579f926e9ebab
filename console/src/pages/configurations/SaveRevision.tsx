// The dialog that saves a revision: what changes, and why.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import Alert from '@cloudscape-design/components/alert';
import { type FormEvent, useState } from 'react';
import { ApiError } from '../../api/errors';
import type { Schemas } from '../../api/client';
import { Diff } from '../../shared/editor/Editor';
import { text } from '../../text';
import { type Configuration, save } from './data';
import { languageOf } from './language';

const words = text.configurations;

export interface Saved {
  revision: number;
  warnings: Schemas['SanitizationWarningView'][];
}

interface Props {
  configuration: Configuration;
  /** The content of the revision on which this one is based; undefined: it is still read. */
  before: string | undefined;
  base: number;
  after: string | undefined;
  title: string;
  intro: string;
  description?: string;
  onClose: () => void;
  onSaved: (saved: Saved) => Promise<unknown>;
  /** The content can't be saved. Without this the dialog says so. */
  onRefused?: (error: ApiError) => void;
}

export function SaveRevision(props: Props) {
  const { configuration, before, base, after, title, intro, onClose, onSaved, onRefused } = props;
  const [description, setDescription] = useState(props.description ?? '');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const isReady = before !== undefined && after !== undefined;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || after === undefined) return;
    setBusy(true);
    setError(undefined);
    try {
      const made = await save(configuration.id, after, description);
      await onSaved({ revision: made.latestRevision.revision, warnings: made.warnings });
    } catch (failure) {
      const why = failure instanceof ApiError ? failure : ApiError.unreachable(failure);
      if (why.attribute === 'data' && onRefused) onRefused(why);
      else setError(why);
      setBusy(false);
    }
  };

  return (
    <Modal
      visible
      size="max"
      header={title}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form="save-revision" formAction="submit" loading={isBusy} disabled={!isReady}>
              {text.common.save}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id="save-revision" onSubmit={submit}>
        <SpaceBetween size="m">
          <Box>{intro}</Box>
          {error && error.attribute !== 'description' ? <Alert type="error">{error.message}</Alert> : null}
          <FormField
            label={words.saveDescription}
            description={words.saveDescriptionHelp}
            errorText={error?.attribute === 'description' ? error.message : undefined}
            stretch
          >
            <Input
              value={description}
              onChange={({ detail }) => setDescription(detail.value)}
              autoComplete={false}
              autoFocus
            />
          </FormField>
          <FormField label={words.changes} stretch>
            {!isReady ? (
              <Spinner />
            ) : before === after ? (
              words.unchanged
            ) : (
              <Diff
                language={languageOf(configuration)}
                before={before}
                beforeLabel={words.revisionOf(base)}
                after={after}
                afterLabel={title}
              />
            )}
          </FormField>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
