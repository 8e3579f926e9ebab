// The focus goes to what was added.
import type { InputProps } from '@cloudscape-design/components/input';
import { type RefObject, useEffect, useRef } from 'react';

/** Focuses the last field when there are more of them than before. */
export function useArrival(count: number, last: RefObject<InputProps.Ref | null>): void {
  const former = useRef(count);
  useEffect(() => {
    if (count > former.current) last.current?.focus();
    former.current = count;
  }, [count, last]);
}
