// Signing in by an access key.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useEffect, useState } from 'react';
import { ApiError } from '../api/errors';
import { type Session, signIn } from '../api/session';
import { RouterLink } from '../shared/RouterLink';
import { text } from '../text';
import { Brand } from './Brand';

interface Props {
  /** Why somebody has to sign in. */
  why?: string | undefined;
  /** The key that was signed in with before. */
  known?: string | undefined;
  onSignedIn: (session: Session) => void;
}

export function SignIn({ why, known = '', onSignedIn }: Props) {
  const [accessKeyId, setAccessKeyId] = useState(known);
  const [secretAccessKey, setSecret] = useState('');
  const [sessionToken, setToken] = useState('');
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const isTemporary = accessKeyId.startsWith('ASIA');
  useEffect(() => {
    // The page that waits below does not tell its title again.
    const before = document.title;
    document.title = `${text.shell.signIn} – ${text.shell.product}`;
    return () => {
      document.title = before;
    };
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!accessKeyId || !secretAccessKey || (isTemporary && !sessionToken)) {
      setError(text.shell.signInIncomplete);
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      onSignedIn(await signIn({ accessKeyId, secretAccessKey, ...(isTemporary ? { sessionToken } : {}) }));
    } catch (failure) {
      const isUnreachable = failure instanceof ApiError && failure.status === 0;
      setError(isUnreachable || !(failure instanceof Error) ? text.common.unreachable : failure.message);
      setBusy(false);
    }
  };

  return (
    <main>
      <Box padding={{ top: 'xxxl', horizontal: 'l' }}>
        <ContentLayout maxContentWidth={480} headerVariant="default">
          <form onSubmit={submit}>
            <SpaceBetween size="l">
              <Brand />
              {why ? <Alert type="info">{why}</Alert> : null}
              <Container
                header={
                  <Header variant="h1" description={text.shell.signInIntro}>
                    {text.shell.signInTitle}
                  </Header>
                }
              >
                <SpaceBetween size="m">
                  <FormField label={text.shell.accessKeyId}>
                    <Input
                      value={accessKeyId}
                      onChange={({ detail }) => setAccessKeyId(detail.value.trim())}
                      autoComplete="username"
                      spellcheck={false}
                      autoFocus={known === ''}
                      ariaRequired
                    />
                  </FormField>
                  <FormField label={text.shell.secretAccessKey}>
                    <Input
                      value={secretAccessKey}
                      onChange={({ detail }) => setSecret(detail.value.trim())}
                      type="password"
                      autoComplete="current-password"
                      autoFocus={known !== ''}
                      ariaRequired
                    />
                  </FormField>
                  {isTemporary ? (
                    <FormField label={text.shell.sessionToken} description={text.shell.sessionTokenHelp}>
                      <Input
                        value={sessionToken}
                        onChange={({ detail }) => setToken(detail.value.trim())}
                        ariaRequired
                      />
                    </FormField>
                  ) : null}
                  {error ? <Alert type="error">{error}</Alert> : null}
                  <Button variant="primary" formAction="submit" loading={isBusy} fullWidth>
                    {text.shell.signIn}
                  </Button>
                </SpaceBetween>
              </Container>
              {known ? null : (
                <Box textAlign="center">
                  <RouterLink href="/calculator">{text.shell.calculatorLink}</RouterLink>
                </Box>
              )}
            </SpaceBetween>
          </form>
        </ContentLayout>
      </Box>
    </main>
  );
}
