// What the server says by itself: queries are read anew when their broker has changed.
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { readSession } from '../api/session';

/** The first part of a query's key, by what it shows. Queries of one broker have the key `[broker, id, …]`. */
export const keys = {
  brokers: 'brokers',
  broker: 'broker',
} as const;

/** Changes that come within this time are read together, in milliseconds. */
const GATHERED_MS = 250;
/** A connection that comes back sooner was not lost, in milliseconds. */
const GRACE_MS = 1_500;
/** The pauses between attempts after the server refused the connection, in milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;

interface Told {
  /** Of which region is told. */
  region: string;
  /** Whether somebody is signed in who may be told. */
  isEnabled: boolean;
  onSignedOut: () => void;
  /** Which brokerd it is, at each connection. */
  onVersion: (version: string) => void;
}

/** Follows the server's events. Gives whether the connection is there. */
export function useLive({ region, isEnabled, onSignedOut, onVersion }: Told): boolean {
  const client = useQueryClient();
  const [isConnected, setConnected] = useState(true);
  useEffect(() => {
    if (!isEnabled) return undefined;
    return followed(client, { region, setConnected, onSignedOut, onVersion });
  }, [client, region, isEnabled, onSignedOut, onVersion]);
  return isConnected;
}

interface Heard {
  region: string;
  setConnected: (isConnected: boolean) => void;
  onSignedOut: () => void;
  onVersion: (version: string) => void;
}

/** Begins to follow. Gives what ends it. */
function followed(client: QueryClient, { region, setConnected, onSignedOut, onVersion }: Heard): () => void {
  let events: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let lost: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;
  let isAway = false;
  const gathered = gather(client);

  const connect = () => {
    // It can send no headers.
    events = new EventSource(`/console/events?${new URLSearchParams({ region })}`);
    events.addEventListener('open', () => {
      clearTimeout(lost);
      lost = undefined;
      pause = FIRST_PAUSE_MS;
      setConnected(true);
      // What happened meanwhile was not told.
      if (isAway) void client.invalidateQueries();
      isAway = false;
    });
    events.addEventListener('hello', (event) => onVersion(dataOf<{ version: string }>(event).version));
    events.addEventListener('broker', (event) => gathered.add(dataOf<{ brokerId: string }>(event).brokerId));
    events.addEventListener('lost', () => void client.invalidateQueries());
    events.addEventListener('signed-out', onSignedOut);
    events.addEventListener('error', () => {
      isAway = true;
      lost ??= setTimeout(() => setConnected(false), GRACE_MS);
      // The browser tries again by itself, unless the server answered with an error.
      if (events?.readyState !== EventSource.CLOSED) return;
      // A session that has ended is an answer 401, which the client tells of.
      void readSession().catch(() => undefined);
      again = setTimeout(connect, pause);
      pause = Math.min(pause * 2, LAST_PAUSE_MS);
    });
  };
  connect();
  return () => {
    clearTimeout(again);
    clearTimeout(lost);
    gathered.stop();
    events?.close();
    setConnected(true);
  };
}

function dataOf<T>(event: Event): T {
  return JSON.parse((event as MessageEvent<string>).data) as T;
}

/** Gathers what has changed, and reads it anew. */
function gather(client: QueryClient) {
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  const read = async () => {
    timer = undefined;
    const ids = [...changed];
    changed.clear();
    isReading = true;
    // The next reading waits for this one: a stream of changes would interrupt each before it ends.
    await Promise.all([
      ...ids.map((id) => client.invalidateQueries({ queryKey: [keys.broker, id] })),
      client.invalidateQueries({ queryKey: [keys.brokers] }),
    ]);
    isReading = false;
    if (changed.size) timer ??= setTimeout(read, GATHERED_MS);
  };
  return {
    add(id: string) {
      changed.add(id);
      if (!isReading) timer ??= setTimeout(read, GATHERED_MS);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
