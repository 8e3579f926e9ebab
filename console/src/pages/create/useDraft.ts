// The draft while it is being entered, and what of its faults the person has to see by now.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type Draft, newDraft, requestOf } from '../../model/create/draft';
import { fitted, type InstanceOption } from '../../model/create/options';
import {
  localProblems,
  type Problem,
  type ServerError,
  type Step,
  stepOf,
  withServer,
} from '../../model/create/problems';
import { fieldName, type Form } from './form';
import { useValidation } from './useValidation';

/** How long after the last key a field's faults are shown, in milliseconds. */
const PAUSE_MS = 800;
/**
 * How long after a field is left, in milliseconds: longer than a click takes. What is clicked on would move away from
 * under the pointer, between pressing and releasing, when a sentence appears above it.
 */
const CLICK_MS = 250;
/** Members that are chosen, not typed: what is wrong with them is shown soon. */
const CHOSEN: (keyof Draft)[] = [
  'engineType',
  'deploymentMode',
  'storageType',
  'engineVersion',
  'hostInstanceType',
  'publiclyAccessible',
  'authenticationStrategy',
  'autoMinorVersionUpgrade',
];

export interface Entering extends Form {
  /** Shows all that is wrong with these steps, and says whether anything is. */
  pass: (steps: readonly Step[], withServerToo: boolean) => Promise<Problem[]>;
  /** Keeps what CreateBroker said of the request, until it changes. */
  refuse: (error: ServerError) => void;
}

export function useDraft(options: InstanceOption[]): Entering {
  const [draft, setDraft] = useState(() => fitted(newDraft(), options));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [passed, setPassed] = useState<ReadonlySet<Step>>(new Set());
  const [refusal, setRefusal] = useState<{ of: Draft; error: ServerError }>();
  const waiting = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const request = useMemo(() => requestOf(draft), [draft]);
  const validation = useValidation(request);

  const show = useCallback(() => {
    clearTimeout(timer.current);
    const names = [...waiting.current];
    waiting.current.clear();
    if (names.length > 0) setTouched((before) => new Set([...before, ...names]));
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  const touch = useCallback(
    (field: string, isDone = false) => {
      waiting.current.add(field);
      clearTimeout(timer.current);
      timer.current = setTimeout(show, isDone ? CLICK_MS : PAUSE_MS);
    },
    [show],
  );
  const change = useCallback(
    (changes: Partial<Draft>) => {
      setDraft((before) => fitted({ ...before, ...changes }, options));
      for (const member of CHOSEN) if (member in changes) touch(member, true);
    },
    [options, touch],
  );

  const local = useMemo(() => localProblems(draft), [draft]);
  const said = refusal?.of === draft ? [...validation.errors, refusal.error] : validation.errors;
  const shown = withServer(local, said, draft).filter(
    (problem) => touched.has(fieldName(problem)) || passed.has(stepOf(problem.attribute)),
  );
  const pass = async (steps: readonly Step[], withServerToo: boolean): Promise<Problem[]> => {
    setPassed((before) => new Set([...before, ...steps]));
    const errors = withServerToo ? await validation.check() : [];
    return withServer(local, errors, draft).filter(({ attribute }) => steps.includes(stepOf(attribute)));
  };
  const refuse = (error: ServerError) => setRefusal({ of: draft, error });
  return { draft, change, touch, shown, options, pass, refuse };
}
