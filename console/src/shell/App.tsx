// Signed in or not: chooses between the sign-in, the calculator and the frame with its pages.
import { onlineManager, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { setRegion, whenSignedOut } from '../api/client';
import { ApiError } from '../api/errors';
import { readSession, type Session, SessionProvider, signIn } from '../api/session';
import { text } from '../text';
import { Frame } from './Frame';
import { PublicCalculator } from './PublicCalculator';
import { SignIn } from './SignIn';
import { Unreachable } from './Unreachable';

const LINK = '#link=';
const REGION = 'brokerd.region';
/** Until the session is read again while the server does not answer, in milliseconds. */
const AGAIN_MS = 3_000;

type State =
  | { kind: 'reading' }
  | { kind: 'unreachable' }
  | { kind: 'out'; why?: string }
  // With `ended` the page waits, unseen, for the same principal to sign in again: what was entered there is kept.
  | { kind: 'in'; session: Session; ended?: string };

export function App() {
  const [state, setState] = useState<State>({ kind: 'reading' });
  const [location] = useLocation();
  const queries = useQueryClient();
  const signedIn = useRef<Session>(undefined);

  const enter = useCallback(
    (session: Session) => {
      const kept = localStorage.getItem(REGION);
      const region = kept && session.regions.includes(kept) ? kept : session.region;
      setRegion(region);
      const isSame = signedIn.current?.arn === session.arn;
      if (!isSame) queries.clear();
      signedIn.current = session;
      onlineManager.setOnline(true);
      if (isSame) void queries.invalidateQueries();
      setState({ kind: 'in', session: { ...session, region } });
    },
    [queries],
  );
  const leave = useCallback(
    (why?: string) => {
      queries.clear();
      signedIn.current = undefined;
      onlineManager.setOnline(true);
      setState({ kind: 'out', ...(why ? { why } : {}) });
    },
    [queries],
  );
  const end = useCallback(() => {
    if (!signedIn.current) return;
    // Nothing is read until somebody signs in.
    onlineManager.setOnline(false);
    setState((now) => (now.kind === 'in' ? { ...now, ended: text.shell.sessionEnded } : now));
  }, []);
  useEffect(() => whenSignedOut(end), [end]);

  const read = useCallback(
    () =>
      readSession().then(enter, (error: unknown) => {
        const isOut = error instanceof ApiError && !error.isPassing;
        if (isOut) leave();
        else setState({ kind: 'unreachable' });
      }),
    [enter, leave],
  );
  useEffect(() => {
    const hash = window.location.hash;
    if (!hash.startsWith(LINK)) {
      void read();
      return;
    }
    // The link must not stay in the history.
    history.replaceState(null, '', window.location.pathname);
    signIn({ link: hash.slice(LINK.length) }).then(enter, (error: unknown) => {
      const isPassing = error instanceof ApiError && error.isPassing;
      // Whoever is signed in already needs no link.
      readSession().then(enter, () => leave(isPassing ? text.common.unreachable : text.shell.linkEnded));
    });
  }, [enter, leave, read]);
  useEffect(() => {
    if (state.kind !== 'unreachable') return undefined;
    const timer = setTimeout(() => void read(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [state, read]);

  const isEnded = state.kind === 'in' && state.ended !== undefined;
  useEffect(() => {
    document.body.classList.toggle('session-ended', isEnded);
  }, [isEnded]);
  useEffect(() => {
    if (state.kind !== 'in' || isEnded) return undefined;
    // Another tab may have signed in somebody else with the same cookie.
    const compare = () => {
      readSession().then(
        (session) => (session.arn === signedIn.current?.arn ? undefined : enter(session)),
        () => undefined,
      );
    };
    window.addEventListener('focus', compare);
    return () => window.removeEventListener('focus', compare);
  }, [state.kind, isEnded, enter]);

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
  if (state.kind === 'unreachable') return <Unreachable onRetry={() => void read()} />;
  if (state.kind === 'out') {
    if (location === '/calculator') return <PublicCalculator />;
    return <SignIn why={state.why} onSignedIn={enter} />;
  }
  return (
    <>
      {isEnded ? <SignIn why={state.ended} known={state.session.accessKeyId} onSignedIn={enter} /> : null}
      <div hidden={isEnded} inert={isEnded}>
        <SessionProvider value={state.session}>
          <Frame key={state.session.arn} isEnded={isEnded} onLeave={leave} onEnd={end} onRegion={choose} />
        </SessionProvider>
      </div>
    </>
  );
}
