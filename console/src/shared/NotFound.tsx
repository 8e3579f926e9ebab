import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import { text } from '../text';
import { RouterLink } from './RouterLink';

/** That a page or a resource is not there. */
export function NotFound({ what }: { what: string }) {
  return (
    <Box padding="xl" textAlign="center">
      <Header variant="h1">{what}</Header>
      <RouterLink href="/">{text.shell.toBrokers}</RouterLink>
    </Box>
  );
}
