// What a role is: its description, its longest session, and who may assume it.
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useState } from 'react';
import { indented } from '../../model/policy';
import { Editor } from '../../shared/editor/Editor';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Identity, updateRole, updateTrust } from './iam';

const words = text.account.roles;

export function RoleSettings({ role, onSaved }: { role: Identity; onSaved: () => Promise<unknown> }) {
  const stored = indented(role.trust ?? '');
  const [description, setDescription] = useState(role.description ?? '');
  const [longest, setLongest] = useState(String(role.longest ?? 3600));
  const [trust, setTrust] = useState(stored);
  const [error, setError] = useState<{ of: 'settings' | 'trust'; message: string }>();
  const [busy, setBusy] = useState<'settings' | 'trust'>();
  const flash = useFlash();
  const run = async (of: 'settings' | 'trust', what: () => Promise<unknown>, sentence: string) => {
    setBusy(of);
    setError(undefined);
    try {
      await what();
      await onSaved();
      flash.done(sentence);
    } catch (failure) {
      setError({ of, message: failure instanceof Error ? failure.message : String(failure) });
    }
    setBusy(undefined);
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    void run('settings', () => updateRole(role.name, description, Number(longest)), words.saved);
  };
  return (
    <SpaceBetween size="l">
      <form onSubmit={save}>
        <Container
          header={
            <Header
              variant="h2"
              actions={
                <Button formAction="submit" loading={busy === 'settings'}>
                  {text.common.save}
                </Button>
              }
            >
              {words.settings}
            </Header>
          }
        >
          <SpaceBetween size="m">
            {error?.of === 'settings' ? <Alert type="error">{error.message}</Alert> : null}
            <FormField label={text.account.description}>
              <Input value={description} onChange={({ detail }) => setDescription(detail.value)} autoComplete={false} />
            </FormField>
            <FormField label={words.longest} constraintText={words.longestHelp}>
              <Input
                value={longest}
                type="number"
                inputMode="numeric"
                onChange={({ detail }) => setLongest(detail.value)}
              />
            </FormField>
          </SpaceBetween>
        </Container>
      </form>
      <Container
        header={
          <Header
            variant="h2"
            description={words.trustHelp}
            actions={
              <Button
                loading={busy === 'trust'}
                disabled={trust === stored}
                onClick={() => void run('trust', () => updateTrust(role.name, trust), words.trustSaved)}
              >
                {text.common.save}
              </Button>
            }
          >
            {words.trust}
          </Header>
        }
      >
        <SpaceBetween size="m">
          {error?.of === 'trust' ? <Alert type="error">{error.message}</Alert> : null}
          <Editor label={words.trust} language={{ kind: 'policy' }} value={trust} onChange={setTrust} lines={16} />
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
