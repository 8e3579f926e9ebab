// What somebody wrote and has not saved. It outlives the page, not the session.
import { useSyncExternalStore } from 'react';

/** A text that is not saved, and the revision that it began with. */
export interface Draft {
  base: number;
  text: string;
}

const drafts = new Map<string, Draft>();
const listeners = new Set<() => void>();

/** The draft of a configuration for a principal, and how to change it. */
export function useDraft(owner: string, id: string): [Draft | undefined, (draft: Draft | undefined) => void] {
  const key = `${owner} ${id}`;
  const draft = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => drafts.get(key),
  );
  const set = (next: Draft | undefined) => {
    if (next) drafts.set(key, next);
    else drafts.delete(key);
    for (const listener of listeners) listener();
  };
  return [draft, set];
}

// Closing the tab or leaving the console asks first.
window.addEventListener('beforeunload', (event) => {
  if (drafts.size) event.preventDefault();
});
