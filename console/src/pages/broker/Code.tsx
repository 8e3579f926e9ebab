import Box from '@cloudscape-design/components/box';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { text } from '../../text';
import './code.css';

interface Props {
  label: string;
  language: string;
  text: string;
}

/** Code with a button that copies it. */
export function Code({ label, language, text: code }: Props) {
  return (
    <SpaceBetween size="xxs">
      <SpaceBetween direction="horizontal" size="xs" alignItems="center">
        <Box variant="awsui-key-label">{label}</Box>
        <CopyToClipboard
          variant="icon"
          textToCopy={code}
          copyButtonAriaLabel={`${text.common.copy}: ${label}`}
          copySuccessText={text.common.copied}
          copyErrorText={text.common.failed}
        />
      </SpaceBetween>
      {/* It can be scrolled, so that it can be focused: for keyboards. */}
      <pre className="broker-code" tabIndex={0} role="region" aria-label={label} lang="zxx" data-language={language}>
        <code>{code}</code>
      </pre>
    </SpaceBetween>
  );
}
