import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import { ApiError } from '../api/errors';
import { text } from '../text';

/** Why something can't be shown, and what to do about it. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const about = error instanceof ApiError ? error : undefined;
  const header =
    about?.status === 0
      ? text.common.unreachable
      : about?.isRefused
        ? text.common.refused
        : about?.status === 404
          ? text.common.notFound
          : text.common.failed;
  const message = error instanceof Error ? error.message : String(error);
  const sentence = about?.status === 0 ? text.common.unreachableHelp : message;
  return (
    <Alert
      type={about?.isRefused ? 'info' : 'error'}
      header={header}
      action={onRetry && !about?.isRefused ? <Button onClick={onRetry}>{text.common.retry}</Button> : undefined}
    >
      {sentence}
      {about?.requestId ? ` (${text.common.requestId(about.requestId)})` : ''}
    </Alert>
  );
}
