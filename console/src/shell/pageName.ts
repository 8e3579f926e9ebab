// The name of what a page shows, which its address does not tell: for the breadcrumbs and the tab of the browser.
import { useEffect, useSyncExternalStore } from 'react';

let name: string | undefined;
const listeners = new Set<() => void>();

function tell(next: string | undefined): void {
  name = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells the name of what the page shows, for as long as it does. */
export function useTellName(next: string | undefined): void {
  useEffect(() => {
    tell(next);
    return () => tell(undefined);
  }, [next]);
}

/** The name that the page has told; none: its address has to do. */
export const useToldName = (): string | undefined => useSyncExternalStore(subscribe, () => name);
