// What to do with a new account: its root has no key, and only the command makes one.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { CopyText } from '../../shared/CopyText';
import { text } from '../../text';
import type { Account } from './Accounts';

export function NewKey({ account, onClose }: { account: Account; onClose: () => void }) {
  return (
    <Alert
      type="success"
      dismissible
      dismissAriaLabel={text.common.close}
      onDismiss={onClose}
      header={text.operator.createdAccount(account.name)}
    >
      {text.operator.keyHelp}
      <div>
        <Box variant="code">
          <CopyText value={text.operator.keyCommand(account.name)} label={text.operator.create} />
        </Box>
      </div>
    </Alert>
  );
}
