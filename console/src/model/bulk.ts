// The same call for many things, a few at a time.

export type Outcome = { kind: 'waiting' } | { kind: 'running' } | { kind: 'done' } | { kind: 'failed'; why: string };

interface Options {
  /** How many calls run at the same time. */
  atOnce?: number;
  /** Whether a failure is one that passes, so that the call is worth another attempt. */
  isPassing?: (error: unknown) => boolean;
  /** How often a call is attempted. */
  attempts?: number;
  /** Waits before another attempt, counted from 1. */
  pause?: (attempt: number) => Promise<void>;
  /** Told of each change of an item's outcome. */
  onOutcome: (at: number, outcome: Outcome) => void;
}

const waited = (attempt: number) => new Promise<void>((resolve) => setTimeout(resolve, 500 * 2 ** attempt));

/** Calls `action` for each item. A failure stops no other item. */
export async function forEach<T>(
  items: readonly T[],
  action: (item: T) => Promise<unknown>,
  { atOnce = 4, attempts = 5, isPassing = () => false, pause = waited, onOutcome }: Options,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = items.map(() => ({ kind: 'waiting' }));
  const tell = (at: number, outcome: Outcome) => {
    outcomes[at] = outcome;
    onOutcome(at, outcome);
  };
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const at = next++;
      tell(at, { kind: 'running' });
      for (let attempt = 1; ; attempt += 1) {
        try {
          await action(items[at] as T);
          tell(at, { kind: 'done' });
          break;
        } catch (error) {
          if (attempt < attempts && isPassing(error)) {
            await pause(attempt);
            continue;
          }
          tell(at, { kind: 'failed', why: error instanceof Error ? error.message : String(error) });
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return outcomes;
}
