// Asks before a page is left on which something was entered that would be lost.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import type { AroundNavHandler } from 'wouter';
import { text } from '../text';

/** Asks, and goes if the person wants to. None: nothing would be lost. */
let ask: ((go: () => void) => void) | undefined;

/** Does what leaves the page, after asking if something would be lost. */
export function leaving(go: () => void): void {
  if (ask) ask(go);
  else go();
}

/** For the router: asks before it goes to another page. */
export const aroundNavigation: AroundNavHandler = (navigate, to, options) => {
  const isElsewhere = new URL(String(to), window.location.href).pathname !== window.location.pathname;
  // The entry of this page that the guard made is not worth going back to.
  if (ask && isElsewhere) ask(() => navigate(to, { ...options, replace: true }));
  else navigate(to, options);
};

const MARK = { guarded: true };
const isMarked = () => (history.state as typeof MARK | null)?.guarded === true;

interface Guard {
  /** The dialog that asks; to be shown on the page. */
  dialog: ReactNode;
  /** From now on nothing would be lost. */
  release: () => void;
}

/**
 * While `isActive`, leaving the page asks first: by a link, by going back, or by closing the tab. Going back ends at
 * an entry of the same page, so that the page stays while the person is asked.
 */
export function useLeaveGuard(isActive: boolean): Guard {
  const [pending, setPending] = useState<{ go: () => void; hasGoneBack: boolean }>();

  useEffect(() => {
    if (!isActive) return undefined;
    if (!isMarked()) history.pushState(MARK, '', window.location.href);
    ask = (go) => setPending({ go, hasGoneBack: false });
    const onBack = () => {
      if (isMarked()) return;
      const isFirst = history.length <= 2;
      const go = () => (isFirst ? window.location.assign('/console/') : history.back());
      setPending({ go, hasGoneBack: true });
    };
    const onClose = (event: BeforeUnloadEvent) => {
      if (ask) event.preventDefault();
    };
    window.addEventListener('popstate', onBack);
    window.addEventListener('beforeunload', onClose);
    return () => {
      ask = undefined;
      window.removeEventListener('popstate', onBack);
      window.removeEventListener('beforeunload', onClose);
    };
  }, [isActive]);

  const release = useCallback(() => {
    ask = undefined;
  }, []);
  const stay = () => {
    if (pending?.hasGoneBack) history.pushState(MARK, '', window.location.href);
    setPending(undefined);
  };
  const leave = () => {
    release();
    setPending(undefined);
    pending?.go();
  };
  const dialog = (
    <Modal
      visible={pending !== undefined}
      header={text.common.leaveTitle}
      closeAriaLabel={text.common.close}
      onDismiss={stay}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={stay}>
              {text.common.stay}
            </Button>
            <Button variant="primary" onClick={leave}>
              {text.common.leave}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      {text.common.leaveLost}
    </Modal>
  );
  return { dialog, release };
}
