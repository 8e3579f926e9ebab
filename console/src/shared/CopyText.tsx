import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import { text } from '../text';

/** A value with a button that copies it. */
export function CopyText({ value, label }: { value: string; label: string }) {
  return (
    <CopyToClipboard
      variant="inline"
      textToCopy={value}
      copyButtonAriaLabel={`${text.common.copy}: ${label}`}
      copySuccessText={text.common.copied}
      copyErrorText={text.common.failed}
    />
  );
}
