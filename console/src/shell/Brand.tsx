// The sign of brokerd: messages in a queue.
import Box from '@cloudscape-design/components/box';
import { text } from '../text';

const DRAWING =
  '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="0 0 32 32">' +
  '<rect width="32" height="32" rx="7" fill="#006ce0"/>' +
  '<g fill="#fff"><rect x="6" y="8" width="13" height="4" rx="2"/><rect x="6" y="14" width="20" height="4" rx="2"/>' +
  '<rect x="6" y="20" width="9" height="4" rx="2"/><path d="M20 19.5l6 2.5-6 2.5z"/></g></svg>';

/** The drawing, as an address. */
export const LOGO = `data:image/svg+xml,${encodeURIComponent(DRAWING)}`;

/** The sign and the name, for pages without the top bar. */
export function Brand() {
  return (
    <Box textAlign="center">
      <img src={LOGO} width={48} height={48} alt={text.shell.product} />
    </Box>
  );
}
