// What the server says by itself: queries are read anew when their broker has changed.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** The first part of a query's key, by what it shows. Queries of one broker have the key `[broker, id, …]`. */
export const keys = {
  brokers: 'brokers',
  broker: 'broker',
} as const;

/** Changes that come within this time are read together, in milliseconds. */
const GATHERED_MS = 250;

/** Follows the server's events. Gives whether the connection is there. */
export function useLive(onSignedOut: () => void): boolean {
  const client = useQueryClient();
  const [isConnected, setConnected] = useState(true);
  useEffect(() => {
    const events = new EventSource('/console/events');
    const changed = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wasLost = false;
    const flush = () => {
      timer = undefined;
      for (const id of changed) void client.invalidateQueries({ queryKey: [keys.broker, id] });
      changed.clear();
      void client.invalidateQueries({ queryKey: [keys.brokers] });
    };
    events.addEventListener('broker', (event) => {
      const { brokerId } = JSON.parse((event as MessageEvent<string>).data) as { brokerId: string };
      changed.add(brokerId);
      timer ??= setTimeout(flush, GATHERED_MS);
    });
    const all = () => void client.invalidateQueries();
    events.addEventListener('lost', all);
    events.addEventListener('signed-out', onSignedOut);
    events.addEventListener('open', () => {
      setConnected(true);
      // What happened meanwhile was not told.
      if (wasLost) all();
      wasLost = false;
    });
    events.addEventListener('error', () => {
      wasLost = true;
      setConnected(false);
    });
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }, [client, onSignedOut]);
  return isConnected;
}
