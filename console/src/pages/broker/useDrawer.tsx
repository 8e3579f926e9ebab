// The drawer with programs, loaded when it is opened for the first time.
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Schemas } from '../../api/client';

const ConnectDrawer = lazy(() => import('./ConnectDrawer'));

/** The drawer, to be put into the page, and what opens it. */
export function useDrawer(broker: Schemas['DescribeBrokerResponse']): [drawer: ReactNode, open: () => void] {
  const [isOpen, setOpen] = useState<boolean>();
  const drawer =
    isOpen === undefined ? null : (
      <Suspense>
        <ConnectDrawer broker={broker} isOpen={isOpen} onClose={() => setOpen(false)} />
      </Suspense>
    );
  return [drawer, () => setOpen(true)];
}
