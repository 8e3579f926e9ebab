// Who may use the broker: the users of ActiveMQ, the first administrator of RabbitMQ, or a directory.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type RefObject, useRef } from 'react';
import { mayBeConfigManaged, newUser, type UserDraft } from '../../model/create/draft';
import { text } from '../../text';
import { Field, fieldName, useError, useForm } from './form';
import { Ldap } from './Ldap';
import { Password } from './Password';
import { useArrival } from './useArrival';

export function Users() {
  const { draft, change } = useForm();
  const isActiveMq = draft.engineType === 'ACTIVEMQ';
  const help = isActiveMq
    ? undefined
    : mayBeConfigManaged(draft)
      ? text.create.managedUserHelp
      : text.create.rabbitMqUserHelp;
  return (
    <Container
      header={
        <Header variant="h2" description={help}>
          {isActiveMq ? text.create.accessActiveMq : text.create.accessRabbitMq}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {isActiveMq ? (
          <Field attribute="authenticationStrategy" label={text.create.authentication} stretch>
            <RadioGroup
              value={draft.authenticationStrategy}
              onChange={({ detail }) => {
                // Configurations are for one of the strategies.
                change({
                  authenticationStrategy: detail.value === 'LDAP' ? 'LDAP' : 'SIMPLE',
                  chosenConfiguration: undefined,
                });
              }}
              items={[
                { value: 'SIMPLE', label: text.create.simple, description: text.create.simpleHelp },
                { value: 'LDAP', label: text.create.ldap, description: text.create.ldapHelp },
              ]}
            />
          </Field>
        ) : null}
        {isActiveMq && draft.authenticationStrategy === 'LDAP' ? <Ldap /> : <UserList />}
      </SpaceBetween>
    </Container>
  );
}

function UserList() {
  const { draft, change } = useForm();
  const isActiveMq = draft.engineType === 'ACTIVEMQ';
  const users = isActiveMq ? draft.users : draft.users.slice(0, 1);
  const usersError = useError('users');
  // With several users the server does not say whom it means.
  const otherErrors = [useError('username'), useError('password'), useError('groups')];
  const error = [usersError, ...otherErrors].find(Boolean);
  const last = useRef<InputProps.Ref>(null);
  useArrival(users.length, last);
  const add = () => change({ users: [...draft.users, newUser(Math.max(...draft.users.map(({ key }) => key)) + 1)] });
  return (
    <SpaceBetween size="l">
      {users.map((user, at) => (
        <User
          key={user.key}
          user={user}
          number={at + 1}
          isAlone={users.length === 1}
          nameField={at === users.length - 1 ? last : null}
        />
      ))}
      {error ? <FormField errorText={error} /> : null}
      {isActiveMq ? (
        <Button iconName="add-plus" onClick={add}>
          {text.create.addUser}
        </Button>
      ) : null}
    </SpaceBetween>
  );
}

interface UserProps {
  user: UserDraft;
  number: number;
  isAlone: boolean;
  /** Gets the field of the name. */
  nameField: RefObject<InputProps.Ref | null> | null;
}

function User({ user, number, isAlone, nameField }: UserProps) {
  const { draft, change, touch } = useForm();
  const isActiveMq = draft.engineType === 'ACTIVEMQ';
  const used = (attribute: string, isDone?: boolean) => touch(fieldName({ attribute, user: user.key }), isDone);
  const set = (changes: Partial<UserDraft>) => {
    change({ users: draft.users.map((one) => (one.key === user.key ? { ...one, ...changes } : one)) });
    for (const attribute of Object.keys(changes)) used(attribute);
  };
  const remove = () => change({ users: draft.users.filter(({ key }) => key !== user.key) });
  const heading = text.create.user(number);
  return (
    <div role="group" aria-label={heading}>
      <SpaceBetween size="m">
        {isAlone ? null : (
          <Header
            variant="h3"
            actions={
              <Button onClick={remove} ariaLabel={text.create.removeUser(user.username || heading)}>
                {text.create.remove}
              </Button>
            }
          >
            {heading}
          </Header>
        )}
        <Field attribute="username" user={user.key} label={text.create.username}>
          <Input
            ref={nameField}
            value={user.username}
            ariaRequired
            autoComplete={false}
            spellcheck={false}
            onBlur={() => used('username', true)}
            onChange={({ detail }) => set({ username: detail.value })}
          />
        </Field>
        <Password
          attribute="password"
          user={user.key}
          label={text.create.password}
          value={user.password}
          onBlur={() => used('password', true)}
          onChange={(password) => set({ password })}
        />
        {user.password ? <Box color="text-body-secondary">{text.create.keepPassword}</Box> : null}
        {isActiveMq ? (
          <Field
            attribute="groups"
            user={user.key}
            label={
              <>
                {text.create.groups} <i>– {text.create.optional}</i>
              </>
            }
            description={text.create.groupsHelp}
          >
            <Input
              value={user.groups}
              autoComplete={false}
              spellcheck={false}
              onBlur={() => used('groups', true)}
              onChange={({ detail }) => set({ groups: detail.value })}
            />
          </Field>
        ) : null}
        {isActiveMq ? (
          <Checkbox checked={user.consoleAccess} onChange={({ detail }) => set({ consoleAccess: detail.checked })}>
            {text.create.consoleAccess}
          </Checkbox>
        ) : null}
      </SpaceBetween>
    </div>
  );
}
