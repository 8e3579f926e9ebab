// A dialog with a form, which keeps what was entered when the call fails.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal, { type ModalProps } from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { text } from '../text';

interface Props {
  title: string;
  /** The words of the button. */
  action: string;
  size?: ModalProps.Size;
  isDisabled?: boolean;
  /** Does it. A failure is shown in the dialog, which stays. */
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}

export function FormDialog({ title, action, size = 'medium', isDisabled, onSubmit, onClose, children }: Props) {
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // A form in a dialog is inside of the page's form for React, not for the browser.
    event.stopPropagation();
    if (isBusy || isDisabled) return;
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit();
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      size={size}
      header={title}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form={id} formAction="submit" loading={isBusy} disabled={isDisabled}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id={id} onSubmit={submit}>
        <SpaceBetween size="m">
          {error ? <Alert type="error">{error}</Alert> : null}
          {children}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
