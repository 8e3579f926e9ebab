// The permissions boundary of a user or a role.
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { FormDialog } from '../../shared/FormDialog';
import { RouterLink } from '../../shared/RouterLink';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { deleteBoundary, putBoundary } from './iam';
import { PolicySelect } from './IdentitySelect';

const words = text.account.policies;

interface Props {
  kind: 'user' | 'role';
  name: string;
  arn: string | undefined;
  onSaved: () => Promise<unknown>;
}

export function Boundary({ kind, name, arn, onSaved }: Props) {
  const [isSetting, setSetting] = useState(false);
  const [chosen, setChosen] = useState<string>();
  const flash = useFlash();
  const remove = async () => {
    try {
      await deleteBoundary(kind, name);
      flash.done(words.boundaryRemoved);
      await onSaved();
    } catch (error) {
      flash.failed(words.boundary, error);
    }
  };
  return (
    <>
      <Container
        header={
          <Header
            variant="h2"
            description={words.boundaryHelp}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button disabled={!arn} onClick={() => void remove()}>
                  {text.account.remove}
                </Button>
                <Button onClick={() => setSetting(true)}>{words.setBoundary}</Button>
              </SpaceBetween>
            }
          >
            {words.boundary}
          </Header>
        }
      >
        {arn ? (
          <RouterLink href={`/account/policies?name=${encodeURIComponent(arn)}`}>{arn}</RouterLink>
        ) : (
          words.noBoundary
        )}
      </Container>
      {isSetting ? (
        <FormDialog
          title={words.boundary}
          action={words.setBoundary}
          isDisabled={!chosen}
          onClose={() => setSetting(false)}
          onSubmit={async () => {
            await putBoundary(kind, name, chosen ?? '');
            flash.done(words.boundarySet);
            await onSaved();
          }}
        >
          <PolicySelect value={chosen} onChange={setChosen} />
        </FormDialog>
      ) : null}
    </>
  );
}
