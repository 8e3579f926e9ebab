// The directory of an ActiveMQ broker.
import Checkbox from '@cloudscape-design/components/checkbox';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { LdapDraft } from '../../model/create/draft';
import { text } from '../../text';
import { Field, useForm } from './form';
import { Password } from './Password';

const OPTIONAL: (keyof LdapDraft)[] = ['userRoleName', 'roleName'];

export function Ldap() {
  return (
    <SpaceBetween size="l">
      <Line name="hosts" />
      <Line name="serviceAccountUsername" />
      <Secret />
      <Line name="userBase" />
      <Line name="userSearchMatching" />
      <Line name="userRoleName" />
      <Choice name="userSearchSubtree" />
      <Line name="roleBase" />
      <Line name="roleSearchMatching" />
      <Line name="roleName" />
      <Choice name="roleSearchSubtree" />
    </SpaceBetween>
  );
}

type Lines = Exclude<keyof LdapDraft, 'userSearchSubtree' | 'roleSearchSubtree' | 'serviceAccountPassword'>;

function Line({ name }: { name: Lines }) {
  const { draft, change, touch } = useForm();
  const attribute = `ldapServerMetadata.${name}`;
  const isOptional = OPTIONAL.includes(name);
  return (
    <Field
      attribute={attribute}
      description={text.create.ldapHelps[name]}
      label={
        <>
          {text.create.ldapFields[name]} {isOptional ? <i>– {text.create.optional}</i> : null}
        </>
      }
    >
      <Input
        value={draft.ldap[name]}
        ariaRequired={!isOptional}
        autoComplete={false}
        spellcheck={false}
        onBlur={() => touch(attribute, true)}
        onChange={({ detail }) => {
          change({ ldap: { ...draft.ldap, [name]: detail.value } });
          touch(attribute);
        }}
      />
    </Field>
  );
}

function Secret() {
  const { draft, change, touch } = useForm();
  const attribute = 'ldapServerMetadata.serviceAccountPassword';
  return (
    <Password
      attribute={attribute}
      label={text.create.ldapFields.serviceAccountPassword}
      hasRules={false}
      value={draft.ldap.serviceAccountPassword}
      onBlur={() => touch(attribute, true)}
      onChange={(serviceAccountPassword) => {
        change({ ldap: { ...draft.ldap, serviceAccountPassword } });
        touch(attribute);
      }}
    />
  );
}

function Choice({ name }: { name: 'userSearchSubtree' | 'roleSearchSubtree' }) {
  const { draft, change } = useForm();
  return (
    <Checkbox
      checked={draft.ldap[name]}
      onChange={({ detail }) => change({ ldap: { ...draft.ldap, [name]: detail.checked } })}
    >
      {text.create.ldapFields[name]}
    </Checkbox>
  );
}
