import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, type ReactNode, useState } from 'react';
import { text } from '../text';

interface Props {
  title: string;
  /** What is lost, in sentences. */
  lost: ReactNode;
  /** What the person has to enter. */
  name: string;
  /** The words of the button. */
  action: string;
  /** Does it. A failure is shown in the dialog, which stays. */
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks for the name of what is about to be lost. */
export function ConfirmByName({ title, lost, name, action, onConfirm, onClose }: Props) {
  const [entered, setEntered] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const isRight = entered === name;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isRight || isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form="confirm-by-name" formAction="submit" disabled={!isRight} loading={isBusy}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id="confirm-by-name" onSubmit={submit}>
        <SpaceBetween size="m">
          <Alert type="warning">{lost}</Alert>
          <FormField label={text.common.confirmByName(name)} errorText={error}>
            <Input value={entered} onChange={({ detail }) => setEntered(detail.value)} autoComplete={false} autoFocus />
          </FormField>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
