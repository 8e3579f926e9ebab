// Signed in or not: chooses between the sign-in, the calculator and the frame with its pages.
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { setRegion, whenSignedOut } from '../api/client';
import { ApiError } from '../api/errors';
import { readSession, type Session, SessionProvider, signIn } from '../api/session';
import { text } from '../text';
import { Frame } from './Frame';
import { PublicCalculator } from './PublicCalculator';
import { SignIn } from './SignIn';

const LINK = '#link=';
const REGION = 'brokerd.region';

type State = { kind: 'reading' } | { kind: 'out'; why?: string } | { kind: 'in'; session: Session };

export function App() {
  const [state, setState] = useState<State>({ kind: 'reading' });
  const [location] = useLocation();
  const queries = useQueryClient();

  const enter = useCallback(
    (session: Session) => {
      const kept = localStorage.getItem(REGION);
      const region = kept && session.regions.includes(kept) ? kept : session.region;
      setRegion(region);
      queries.clear();
      setState({ kind: 'in', session: { ...session, region } });
    },
    [queries],
  );
  const leave = useCallback(
    (why?: string) => {
      queries.clear();
      setState((now) => (now.kind === 'out' && !why ? now : { kind: 'out', ...(why ? { why } : {}) }));
    },
    [queries],
  );

  useEffect(() => {
    whenSignedOut(() => setState((now) => (now.kind === 'in' ? { kind: 'out', why: text.shell.sessionEnded } : now)));
    const hash = window.location.hash;
    const link = hash.startsWith(LINK) ? hash.slice(LINK.length) : undefined;
    // The link must not stay in the history.
    if (link) history.replaceState(null, '', window.location.pathname);
    const begin = link ? signIn({ link }) : readSession();
    begin.then(enter, async (error: unknown) => {
      if (link && error instanceof ApiError && !error.isPassing) {
        // Whoever is signed in already needs no link.
        return readSession().then(enter, () => leave(text.shell.linkEnded));
      }
      const isOut = error instanceof ApiError && error.status === 401;
      return leave(isOut ? undefined : text.common.unreachable);
    });
  }, [enter, leave]);

  const choose = useCallback(
    (region: string) => {
      localStorage.setItem(REGION, region);
      setRegion(region);
      queries.clear();
      setState((now) => (now.kind === 'in' ? { kind: 'in', session: { ...now.session, region } } : now));
    },
    [queries],
  );

  if (state.kind === 'reading') return null;
  if (state.kind === 'out') {
    if (location === '/calculator') return <PublicCalculator />;
    return <SignIn why={state.why} onSignedIn={enter} />;
  }
  return (
    <SessionProvider value={state.session}>
      <Frame onLeave={leave} onRegion={choose} />
    </SessionProvider>
  );
}
