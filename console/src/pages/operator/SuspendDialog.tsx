// Asks before an account is suspended.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import type { Account } from './Accounts';

interface Props {
  account: Account;
  onClose: () => void;
  onDone: () => void;
}

export function SuspendDialog({ account, onClose, onDone }: Props) {
  const flash = useFlash();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const suspend = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const parameters = { params: { path: { 'account-id': account.accountId } }, body: { state: 'SUSPENDED' } };
      await answer(api.PUT('/brokerd/v1/accounts/{account-id}', parameters));
      flash.done(text.operator.suspendedNow(account.name));
      onDone();
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header={text.operator.suspendTitle(account.name)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => void suspend()}>
              {text.operator.suspend}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">{text.operator.suspendWhat}</Alert>
        {error ? <Alert type="error">{error}</Alert> : null}
      </SpaceBetween>
    </Modal>
  );
}
