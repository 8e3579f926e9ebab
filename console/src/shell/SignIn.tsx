// Signing in by an access key.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useEffect, useState } from 'react';
import { ApiError } from '../api/errors';
import { type Session, signIn } from '../api/session';
import { text } from '../text';
import { RouterLink } from '../shared/RouterLink';

interface Props {
  why?: string | undefined;
  onSignedIn: (session: Session) => void;
}

export function SignIn({ why, onSignedIn }: Props) {
  const [accessKeyId, setAccessKeyId] = useState('');
  const [secretAccessKey, setSecret] = useState('');
  const [sessionToken, setToken] = useState('');
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const isTemporary = accessKeyId.startsWith('ASIA');
  useEffect(() => {
    document.title = `${text.shell.signIn} – ${text.shell.product}`;
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
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
        <ContentLayout maxContentWidth={560} headerVariant="default">
          <form onSubmit={submit}>
            <Form
              actions={
                <Button variant="primary" formAction="submit" loading={isBusy}>
                  {text.shell.signIn}
                </Button>
              }
              errorText={error}
            >
              <SpaceBetween size="l">
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
                        autoFocus
                      />
                    </FormField>
                    <FormField label={text.shell.secretAccessKey}>
                      <Input
                        value={secretAccessKey}
                        onChange={({ detail }) => setSecret(detail.value.trim())}
                        type="password"
                        autoComplete="current-password"
                      />
                    </FormField>
                    {isTemporary ? (
                      <FormField label={text.shell.sessionToken} description={text.shell.sessionTokenHelp}>
                        <Input value={sessionToken} onChange={({ detail }) => setToken(detail.value.trim())} />
                      </FormField>
                    ) : null}
                  </SpaceBetween>
                </Container>
                <RouterLink href="/calculator">{text.shell.calculatorLink}</RouterLink>
              </SpaceBetween>
            </Form>
          </form>
        </ContentLayout>
      </Box>
    </main>
  );
}
