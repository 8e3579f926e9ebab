import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import {
  changedFields,
  type Draft,
  type DraftFault,
  draftFaults,
  draftOf,
  fieldOf,
  rebased,
  staleFields,
  updateOf,
} from '../../model/brokerEdit';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { ReviewDialog, StaleDialog } from './EditDialogs';
import { EngineFields } from './EngineFields';
import { AuthenticationFields, ConfigurationFields, LogsFields, WindowFields } from './formFields';
import { type Broker, readBroker, useChanged } from './queries';

const t = text.settings;

const FAULTS: Record<DraftFault, string> = { REQUIRED: t.required, TIME: t.notATime, SIZE: t.notAMultiple };
/** The fields that show errors of their own; any other error is shown as a whole. */
const SHOWN = new Set([
  'engineVersion',
  'hostInstanceType',
  'storageSize',
  'autoMinorVersionUpgrade',
  'configuration',
  'generalLogs',
  'auditLogs',
  'dayOfWeek',
  'timeOfDay',
  'timeZone',
  'maintenanceWindowStartTime',
  'authenticationStrategy',
  'ldapServerMetadata',
  'ldapPassword',
]);

interface Props {
  broker: Broker;
  names: Map<string, string>;
  /** The form is over, with whether a reboot is wanted now. */
  onDone: (wantsReboot: boolean) => void;
}

/** Changes a broker: sends what was changed and nothing else, and overwrites nobody's change unasked. */
export function SettingsForm({ broker, names, onDone }: Props) {
  const [base, setBase] = useState(() => draftOf(broker));
  const [draft, setDraft] = useState(base);
  const [errors, setErrors] = useState<Partial<Record<string, string>>>({});
  const [error, setError] = useState<unknown>();
  const [open, setOpen] = useState<'review' | 'stale'>();
  const [latest, setLatest] = useState<Draft>();
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);

  const changes = changedFields(base, draft, broker.engineType);
  // What an event told, or what was read before saving.
  const newest = latest ?? draftOf(broker);
  const stale = staleFields(base, newest, draft);

  // The broker that is given is at least as new by now.
  useEffect(() => setLatest(undefined), [broker]);
  useEffect(() => {
    if (!open && Object.keys(errors).length) {
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    }
  }, [errors, open]);

  const set = (more: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...more }));
    setErrors({});
  };
  const review = (event: FormEvent) => {
    event.preventDefault();
    const faults = Object.entries(draftFaults(base, draft)).map(([field, fault]) => [field, FAULTS[fault!]]);
    setErrors(Object.fromEntries(faults));
    setError(undefined);
    if (!faults.length && changes.length) setOpen(stale.length ? 'stale' : 'review');
  };
  const settle = (takesTheirs: boolean) => {
    setDraft(rebased(base, newest, draft, takesTheirs));
    setBase(newest);
    setOpen(undefined);
  };
  const save = async (wantsReboot: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      const read = draftOf(await readBroker(broker.brokerId));
      if (staleFields(base, read, draft).length) {
        setLatest(read);
        setOpen('stale');
        void changed();
        return;
      }
      const params = { path: { 'broker-id': broker.brokerId } };
      await answer(api.PUT('/v1/brokers/{broker-id}', { params, body: updateOf(base, draft, broker.engineType) }));
      await changed();
      const waits = changes.some((change) => !change.isImmediate);
      flash.done((waits ? t.savedWaiting : t.saved)(broker.brokerName));
      onDone(wantsReboot);
    } catch (failure) {
      const field = fieldOf(failure instanceof ApiError ? failure.attribute : undefined);
      if (field && (SHOWN.has(field) || field.startsWith('ldap.'))) {
        setErrors({ [field]: (failure as ApiError).message });
        setOpen(undefined);
      } else {
        setError(failure);
      }
    } finally {
      setBusy(false);
    }
  };

  const fields = { broker, draft, set, errors };
  const section = (title: string, content: React.ReactNode, description?: string) => (
    <Container
      header={
        <Header variant="h2" description={description}>
          {title}
        </Header>
      }
    >
      {content}
    </Container>
  );
  return (
    <form ref={form} onSubmit={review} noValidate>
      <Form
        errorText={Object.keys(errors).length ? t.fixFirst : undefined}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" onClick={() => onDone(false)}>
              {text.common.cancel}
            </Button>
            <Button
              variant="primary"
              formAction="submit"
              disabled={!changes.length}
              disabledReason={changes.length ? undefined : t.nothingChanged}
            >
              {changes.length ? t.reviewCount(changes.length) : t.review}
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {stale.length ? (
            <Alert
              type="warning"
              action={
                <Button formAction="none" onClick={() => setOpen('stale')}>
                  {t.staleShow}
                </Button>
              }
            >
              {t.staleNotice}
            </Alert>
          ) : null}
          {section(t.engineAndSize, <EngineFields {...fields} />)}
          {section(t.configuration, <ConfigurationFields {...fields} />)}
          {section(t.maintenance, <WindowFields {...fields} />, t.windowHelp)}
          {section(t.logs, <LogsFields {...fields} />)}
          {section(t.authentication, <AuthenticationFields {...fields} />)}
        </SpaceBetween>
      </Form>
      {open === 'review' ? (
        <ReviewDialog
          broker={broker}
          changes={changes}
          names={names}
          error={error}
          isBusy={isBusy}
          onSave={(wantsReboot) => void save(wantsReboot)}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
      {open === 'stale' ? (
        <StaleDialog
          stale={stale}
          names={names}
          onKeep={() => settle(false)}
          onTake={() => settle(true)}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
    </form>
  );
}
