// The fields of a user, for creating one and for changing one.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { ApiError } from '../../api/errors';
import { faultOfGroup, faultOfPassword, faultOfUsername, MAX_GROUPS, names, password } from '../../model/credentials';
import { text } from '../../text';

const { users } = text.broker;

/** What a person enters. */
export interface Draft {
  username: string;
  password: string;
  groups: string;
  consoleAccess: boolean;
}

/** What is wrong, by field, in words. */
export type Faults = Partial<Record<keyof Draft, string>>;

/** What the service would refuse. `isNew`: name and password are needed. */
export function faultsOf(draft: Draft, isNew: boolean): Faults {
  const faults: Faults = {};
  const ofName = isNew ? faultOfUsername('ActiveMQ', draft.username) : undefined;
  if (ofName) faults.username = users.faults[ofName];
  const ofPassword = isNew || draft.password ? faultOfPassword(draft.password) : undefined;
  if (ofPassword) faults.password = users.passwordFaults[ofPassword];
  const groups = names(draft.groups);
  const wrong = groups.find((group) => faultOfGroup(group));
  if (wrong) faults.groups = users.groupFault(wrong);
  else if (groups.length > MAX_GROUPS) faults.groups = users.tooManyGroups;
  return faults;
}

/** The fault of the field that the server names; the rest of its errors belong to no field. */
export function faultsFrom(error: unknown): Faults {
  const attribute = error instanceof ApiError ? error.attribute : undefined;
  if (attribute !== 'username' && attribute !== 'password' && attribute !== 'groups') return {};
  return { [attribute]: (error as ApiError).message };
}

interface Props {
  draft: Draft;
  faults: Faults;
  isNew: boolean;
  onChange: (draft: Draft) => void;
}

export function UserFields({ draft, faults, isNew, onChange }: Props) {
  const change = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  return (
    <SpaceBetween size="m">
      {isNew ? (
        <FormField label={users.name} constraintText={users.nameHelp} errorText={faults.username}>
          <Input
            value={draft.username}
            onChange={({ detail }) => change({ username: detail.value })}
            autoComplete={false}
            autoFocus
          />
        </FormField>
      ) : null}
      <PasswordField draft={draft} fault={faults.password} isNew={isNew} onChange={change} />
      <FormField label={users.groups} constraintText={users.groupsHelp} errorText={faults.groups}>
        <Input value={draft.groups} onChange={({ detail }) => change({ groups: detail.value })} autoComplete={false} />
      </FormField>
      <Checkbox checked={draft.consoleAccess} onChange={({ detail }) => change({ consoleAccess: detail.checked })}>
        {users.consoleLabel}
      </Checkbox>
    </SpaceBetween>
  );
}

interface PasswordProps {
  draft: Draft;
  fault: string | undefined;
  isNew: boolean;
  onChange: (part: Partial<Draft>) => void;
}

function PasswordField({ draft, fault, isNew, onChange }: PasswordProps) {
  const [isShown, setShown] = useState(false);
  const [made, setMade] = useState('');
  const generate = () => {
    const one = password((bytes) => crypto.getRandomValues(bytes));
    setMade(one);
    setShown(true);
    onChange({ password: one });
  };
  return (
    <SpaceBetween size="xs">
      <FormField
        label={users.password}
        description={isNew ? undefined : users.passwordKept}
        constraintText={users.passwordHelp}
        errorText={fault}
        secondaryControl={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" onClick={() => setShown(!isShown)}>
              {isShown ? users.hide : users.show}
            </Button>
            <Button formAction="none" onClick={generate}>
              {users.generate}
            </Button>
          </SpaceBetween>
        }
      >
        <Input
          type={isShown ? 'text' : 'password'}
          value={draft.password}
          onChange={({ detail }) => onChange({ password: detail.value })}
          // Of a user of the broker, which is none of this page's.
          autoComplete="new-password"
          spellcheck={false}
        />
      </FormField>
      {made && draft.password === made ? (
        <SpaceBetween direction="horizontal" size="xs" alignItems="center">
          <CopyToClipboard
            textToCopy={made}
            copyButtonText={text.common.copy}
            copyButtonAriaLabel={`${text.common.copy}: ${users.password}`}
            copySuccessText={text.common.copied}
            copyErrorText={text.common.failed}
          />
          <Box color="text-body-secondary">{users.generated}</Box>
        </SpaceBetween>
      ) : null}
    </SpaceBetween>
  );
}
