// The lines of a search, which grow while it is followed.
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../../../api/errors';
import { added, type Kept } from '../../../model/loglines';
import { type RangeChoice, rangeOf } from '../../../model/range';
import { readLines, type Search } from './data';

/** How often new lines are asked for, in milliseconds. */
const FOLLOWED_MS = 2_000;
/** How much later than others a line may be stored, in milliseconds. */
const LATE_MS = 5_000;
/** Lines that are read before somebody asks for more. */
const AT_ONCE = 10_000;
/** Lines that are kept. */
const MOST = 50_000;

const NOTHING: Kept = { lines: [], dropped: 0 };

export interface Lines extends Kept {
  /** Whether older lines are still read. */
  isReading: boolean;
  error: unknown;
  /** Reads on where it was stopped, because there are very many lines; none: all are there. */
  readMore: (() => void) | undefined;
}

interface State extends Kept {
  isReading: boolean;
  error?: unknown;
  hasMore: boolean;
}

const BEGINNING: State = { ...NOTHING, isReading: true, hasMore: false };

/** Resolves when the page is seen. */
function seen(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener('visibilitychange', () => resolve(), { once: true }));
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Reads the lines of a search; `attempt` begins anew. */
export function useLines(
  search: Search | undefined,
  choice: RangeChoice,
  isFollowing: boolean,
  attempt: number,
): Lines {
  const [state, setState] = useState<State>(BEGINNING);
  const resume = useRef<() => void>(() => {});
  const { group, stream, pattern } = search ?? {};
  const key = JSON.stringify([group, stream, pattern, choice, isFollowing, attempt]);

  useEffect(() => {
    setState(BEGINNING);
    if (group === undefined) return undefined;
    let isOver = false;
    let kept = NOTHING;
    const range = rangeOf(choice, Date.now());
    const what: Search = { group, stream, pattern: pattern ?? '' };
    const show = (changed: Partial<State> = {}) =>
      isOver ? undefined : setState((now) => ({ ...now, ...kept, error: undefined, ...changed }));

    const past = async () => {
      let token: string | undefined;
      let limit = AT_ONCE;
      do {
        const page = await readLines(what, isFollowing ? { from: range.from } : range, token);
        if (isOver) return;
        kept = added(kept, page.events, MOST);
        token = page.nextToken;
        // Who follows wants the newest lines; who looks at the past begins with the oldest ones.
        if (token && !isFollowing && kept.lines.length + kept.dropped >= limit) {
          const asked = new Promise<void>((resolve) => (resume.current = resolve));
          show({ isReading: false, hasMore: true });
          await asked;
          limit += AT_ONCE;
          show({ isReading: true, hasMore: false });
        } else {
          show({ isReading: token !== undefined });
        }
      } while (token && !isOver);
    };
    const present = async () => {
      let token: string | undefined;
      const newest = kept.lines.at(-1)?.timestamp ?? range.from;
      do {
        const page = await readLines(what, { from: Math.max(range.from, newest - LATE_MS) }, token);
        if (isOver) return;
        const before = kept;
        kept = added(kept, page.events, MOST);
        token = page.nextToken;
        if (kept !== before) show();
      } while (token && !isOver);
    };
    /** Tries until it is done; what can't pass ends it. */
    const persistently = async (read: () => Promise<void>) => {
      for (;;) {
        try {
          await read();
          show({ isReading: false });
          return true;
        } catch (error) {
          const isPassing = error instanceof ApiError && error.isPassing;
          show({ error, isReading: isPassing });
          if (!isPassing) return false;
          await pause(FOLLOWED_MS);
          if (isOver) return false;
        }
      }
    };
    const run = async () => {
      let goesOn = await persistently(past);
      while (goesOn && isFollowing && !isOver) {
        await pause(FOLLOWED_MS);
        await seen();
        if (!isOver) goesOn = await persistently(present);
      }
    };
    void run();
    return () => {
      isOver = true;
      resume.current();
    };
    // All that it reads is in the key.
  }, [key]);

  const readMore = useCallback(() => resume.current(), []);
  const { lines, dropped, isReading, error, hasMore } = state;
  return { lines, dropped, isReading, error, readMore: hasMore ? readMore : undefined };
}
