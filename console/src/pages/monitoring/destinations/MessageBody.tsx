import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMemo, useState } from 'react';
import { bytesOf, hexLines, prettyJson, textOf } from '../../../model/body';
import { bytes } from '../../../model/units';
import { download } from '../../../shared/download';
import { text } from '../../../text';
import type { Message } from './data';

const words = text.monitoring.destinations;

type View = 'text' | 'json' | 'hex';

/** The body of a message as text, as JSON with indentation, or as hexadecimal digits. */
export function MessageBody({ message }: { message: Message }) {
  const { raw, plain, json } = useMemo(
    () => ({ raw: bytesOf(message), plain: textOf(message), json: prettyJson(message) }),
    [message],
  );
  const [chosen, setChosen] = useState<View>();
  const view = chosen ?? (json !== undefined ? 'json' : plain !== undefined ? 'text' : 'hex');
  const shown = useMemo(
    () => (view === 'json' ? json : view === 'text' ? plain : hexLines(raw).join('\n')) ?? '',
    [view, json, plain, raw],
  );
  if (message.size === 0) return <Box color="text-status-inactive">{words.emptyBody}</Box>;
  const name = `${(message.messageId ?? `message-${message.position}`).replace(/[^\w.-]+/g, '_')}.bin`;
  return (
    <SpaceBetween size="xs">
      <SpaceBetween direction="horizontal" size="xs" alignItems="center">
        <Box variant="h3">{words.body}</Box>
        <SegmentedControl
          label={words.bodyAs}
          selectedId={view}
          onChange={({ detail }) => setChosen(detail.selectedId as View)}
          options={[
            { id: 'text', text: words.asText, disabled: plain === undefined },
            { id: 'json', text: words.asJson, disabled: json === undefined },
            { id: 'hex', text: words.asHex },
          ]}
        />
        <CopyToClipboard
          variant="icon"
          textToCopy={shown}
          copyButtonAriaLabel={`${text.common.copy}: ${words.copyBody}`}
          copySuccessText={text.common.copied}
          copyErrorText={text.common.failed}
        />
        <Button
          variant="icon"
          iconName="download"
          ariaLabel={words.downloadBody}
          onClick={() => download(name, new Blob([raw as BlobPart]))}
        />
      </SpaceBetween>
      {message.isTruncated ? (
        <Alert type="info">{words.truncated(bytes(raw.length), bytes(message.size))}</Alert>
      ) : null}
      {plain === undefined ? <Box color="text-body-secondary">{words.notText}</Box> : null}
      {/* It scrolls, so the keyboard has to reach it. */}
      <pre className="mon-hex" tabIndex={0} role="region" aria-label={words.bodyOf(message.position)}>
        {shown}
      </pre>
    </SpaceBetween>
  );
}
