import Box from '@cloudscape-design/components/box';
import Spinner from '@cloudscape-design/components/spinner';
import { text } from '../text';

/** That something is on its way. */
export function Loading() {
  return (
    <Box textAlign="center" padding="xl">
      <Spinner size="large" />
      <Box variant="p" color="text-body-secondary">
        {text.common.loading}
      </Box>
    </Box>
  );
}
