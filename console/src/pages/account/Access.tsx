// The session of whoever is signed in, and their own keys.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { signOut, signOutEverywhere, useSession } from '../../api/session';
import { CopyText } from '../../shared/CopyText';
import { FormDialog } from '../../shared/FormDialog';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { AccessKeys } from './AccessKeys';

const words = text.account.access;

/** The page begins anew, so that nothing of the session is left in it. */
const leave = () => window.location.assign('/console/');

export default function Access() {
  const session = useSession();
  const flash = useFlash();
  const [isAsking, setAsking] = useState(false);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  onClick={() => void signOut().then(leave, (error: unknown) => flash.failed(words.signOut, error))}
                >
                  {words.signOut}
                </Button>
                <Button onClick={() => setAsking(true)}>{words.everywhere}</Button>
              </SpaceBetween>
            }
          >
            {words.title}
          </Header>
        }
      >
        <KeyValuePairs
          columns={4}
          items={[
            { label: words.principal, value: <CopyText value={session.arn} label={words.principal} /> },
            { label: words.kind, value: words.kinds[session.kind] },
            { label: words.account, value: <CopyText value={session.accountId} label={words.account} /> },
            { label: words.key, value: <CopyText value={session.accessKeyId} label={words.key} /> },
            { label: words.expires, value: <Time value={session.expiresAt} /> },
            { label: words.idle, value: <Time value={session.idleExpiresAt} /> },
            { label: words.api, value: <CopyText value={session.apiUrl} label={words.api} /> },
            { label: words.version, value: session.version },
          ]}
        />
      </Container>
      {session.kind === 'ROLE' ? null : <AccessKeys user={undefined} />}
      {isAsking ? (
        <FormDialog
          title={words.everywhereTitle}
          action={words.everywhere}
          onClose={() => setAsking(false)}
          onSubmit={async () => {
            await signOutEverywhere();
            leave();
          }}
        >
          <Box>{words.everywhereHelp}</Box>
        </FormDialog>
      ) : null}
    </SpaceBetween>
  );
}
