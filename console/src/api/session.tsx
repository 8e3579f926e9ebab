// The session of the person at the browser.
import { createContext, useContext } from 'react';
import { json } from './client';

/** Who is signed in, and where. */
export interface Session {
  accountId: string;
  accountName?: string;
  arn: string;
  kind: 'ROOT' | 'USER' | 'ROLE';
  name: string;
  accessKeyId: string;
  /** Whether the principal administers brokerd itself. */
  isOperator: boolean;
  region: string;
  regions: string[];
  /** The address that clients of the API use. */
  apiUrl: string;
  version: string;
  expiresAt: string;
  idleExpiresAt: string;
}

/** What proves who somebody is. */
export type Proof = { link: string } | { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

export const readSession = () => json<Session>('GET', '/console/session');
export const signIn = (proof: Proof) => json<Session>('POST', '/console/session', proof);
export const signOut = () => json<void>('DELETE', '/console/session');
export const signOutEverywhere = () => json<void>('DELETE', '/console/sessions');

const SessionContext = createContext<Session | undefined>(undefined);
export const SessionProvider = SessionContext.Provider;

/** The session. Only pages behind the sign-in call this. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session');
  return session;
}
