// The wizard itself: its steps, what keeps a person from going on, and creating.
import SpaceBetween from '@cloudscape-design/components/space-between';
import Wizard from '@cloudscape-design/components/wizard';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { requestOf } from '../../model/create/draft';
import type { InstanceOption } from '../../model/create/options';
import { hasEntries, hasField, type Step, stepOf, STEPS } from '../../model/create/problems';
import { uuid } from '../../model/uuid';
import { useLeaveGuard } from '../../shared/leave';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { Deployment } from './Deployment';
import { Engine } from './Engine';
import { Equivalent } from './Equivalent';
import { FormProvider } from './form';
import { Review } from './Review';
import { Settings } from './Settings';
import { Summary } from './Summary';
import { useDraft } from './useDraft';

const I18N = {
  stepNumberLabel: text.create.stepNumber,
  collapsedStepsLabel: text.create.collapsedSteps,
  skipToButtonLabel: ({ title }: { title: string }) => text.create.skipTo(title),
  navigationAriaLabel: text.create.wizardSteps,
  errorIconAriaLabel: text.create.error,
  cancelButton: text.common.cancel,
  previousButton: text.create.previous,
  nextButton: text.create.next,
  submitButton: text.create.title,
  optional: text.create.optional,
  nextButtonLoadingAnnouncement: text.create.checking,
  submitButtonLoadingAnnouncement: text.create.checking,
};

/** A token that stays while the request does: a repeated call after a lost answer makes no second broker. */
function useToken(request: unknown): () => string {
  const last = useRef({ of: '', token: '' });
  return () => {
    const of = JSON.stringify(request);
    if (last.current.of !== of) last.current = { of, token: uuid() };
    return last.current.token;
  };
}

export function CreateWizard({ options }: { options: InstanceOption[] }) {
  const entering = useDraft(options);
  const { draft } = entering;
  const request = useMemo(() => requestOf(draft), [draft]);
  const token = useToken(request);
  const [at, setAt] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [storedGb, setStoredGb] = useState('10');
  const [faults, setFaults] = useState(0);
  const [, navigate] = useLocation();
  const flash = useFlash();
  const queries = useQueryClient();
  const guard = useLeaveGuard(hasEntries(draft));

  useEffect(() => {
    if (faults > 0) document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus();
  }, [faults]);
  useEffect(() => setError(undefined), [draft]);

  const goTo = (step: number) => {
    setError(undefined);
    setAt(step);
  };
  const stop = (sentence: string) => {
    setError(sentence);
    setFaults((count) => count + 1);
  };
  /** Goes on unless something on the way there is wrong. */
  const advance = async (to: number) => {
    const steps = STEPS.slice(0, to);
    setBusy(true);
    const wrong = await entering.pass(steps, steps.includes('SETTINGS'));
    setBusy(false);
    const first = wrong[0];
    if (!first) return goTo(to);
    setAt(STEPS.indexOf(stepOf(first.attribute)));
    return stop(hasField(first) ? text.create.fixFirst : first.message);
  };
  const create = async () => {
    setBusy(true);
    try {
      const body = { ...request, creatorRequestId: token() };
      const { brokerId } = await answer(api.POST('/v1/brokers', { body }));
      guard.release();
      flash.done(text.create.created(request.brokerName));
      void queries.invalidateQueries({ queryKey: [keys.brokers] });
      navigate(`/brokers/${brokerId}`, { replace: true });
    } catch (failure) {
      setBusy(false);
      const message = failure instanceof Error && failure.message ? failure.message : text.create.notCreated;
      const attribute = failure instanceof ApiError && failure.status === 400 ? failure.attribute : undefined;
      if (attribute && hasField({ attribute, message })) {
        await entering.pass(STEPS, false);
        entering.refuse({ attribute, message });
        setAt(STEPS.indexOf(stepOf(attribute)));
      }
      stop(failure instanceof ApiError && failure.status === 0 ? text.common.unreachable : message);
    }
  };

  const contents: Record<Step, ReactNode> = {
    ENGINE: <Engine />,
    DEPLOYMENT: <Deployment />,
    SETTINGS: <Settings />,
    REVIEW: <Review onEdit={(step) => goTo(STEPS.indexOf(step))} />,
  };
  return (
    <FormProvider value={entering}>
      <Wizard
        activeStepIndex={at}
        onNavigate={({ detail: { requestedStepIndex: to } }) => (to > at ? void advance(to) : goTo(to))}
        onCancel={() => navigate('/')}
        onSubmit={() => void create()}
        isLoadingNextStep={isBusy}
        submitButtonText={text.create.title}
        i18nStrings={I18N}
        steps={STEPS.map((step, place) => ({
          title: text.create.steps[step],
          errorText: place === at ? error : undefined,
          content: (
            <SpaceBetween size="l">
              {contents[step]}
              <Summary storedGb={storedGb} onStoredGb={setStoredGb} />
              <Equivalent request={request} />
            </SpaceBetween>
          ),
        }))}
      />
      {guard.dialog}
    </FormProvider>
  );
}
