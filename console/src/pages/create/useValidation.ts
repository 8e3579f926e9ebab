// The server's judgement of a draft, while it is being entered.
import { useCallback, useEffect, useRef, useState } from 'react';
import { json } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { CreateBrokerRequest } from '../../model/create/draft';
import type { ServerError } from '../../model/create/problems';

/** How long the person has to pause before the server is asked, in milliseconds. */
const PAUSE_MS = 500;

interface Judgement {
  /** The request that it is about, as text. */
  of: string;
  errors: ServerError[];
}

export interface Validation {
  /** What the server said last. */
  errors: ServerError[];
  /** The server's errors of the request as it is now. None if it can't be asked: creation will tell. */
  check: () => Promise<ServerError[]>;
}

/** Asks the server about the request whenever it has changed and the person pauses. */
export function useValidation(request: CreateBrokerRequest): Validation {
  const [judgement, setJudgement] = useState<Judgement>({ of: '', errors: [] });
  // An earlier brokerd has no such operation; whoever may not ask is not asked again.
  const isUnavailable = useRef(false);
  const of = JSON.stringify(request);

  const ask = useCallback(async (body: string, signal?: AbortSignal): Promise<ServerError[]> => {
    if (isUnavailable.current) return [];
    try {
      const path = '/brokerd/v1/brokers/validate';
      const { errors } = await json<{ errors: ServerError[] }>('POST', path, JSON.parse(body), signal);
      setJudgement({ of: body, errors });
      return errors;
    } catch (error) {
      if (error instanceof ApiError && [403, 404, 405, 501].includes(error.status)) isUnavailable.current = true;
      return [];
    }
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => void ask(of, abort.signal), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [ask, of]);

  const check = useCallback(
    () => (judgement.of === of ? Promise.resolve(judgement.errors) : ask(of)),
    [ask, judgement, of],
  );
  return { errors: judgement.errors, check };
}
