// Users, groups and roles: their lists, and creating one.
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useSession } from '../../api/session';
import { Editor } from '../../shared/editor/Editor';
import { FormDialog } from '../../shared/FormDialog';
import { RouterLink } from '../../shared/RouterLink';
import { ServerTable } from '../../shared/ServerTable';
import { Ago } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { newTrust } from './documents';
import { createIdentity, type Identity, type Kind, keys, listIdentities, MAX_ON_A_PAGE } from './iam';
import { IdentityDetails } from './IdentityDetails';

const words = text.account;
const WORDS = { user: words.users, group: words.groups, role: words.roles } as const;

/** The tab of a kind. */
export const TAB_OF = { user: 'users', group: 'groups', role: 'roles' } as const;

/** The address of a user, group or role. */
export const addressOf = (kind: Kind, name: string) => `/account/${TAB_OF[kind]}?name=${encodeURIComponent(name)}`;

export function Identities({ kind, name }: { kind: Kind; name: string | undefined }) {
  if (name !== undefined) return <IdentityDetails key={`${kind} ${name}`} kind={kind} name={name} />;
  return <List key={kind} kind={kind} />;
}

function List({ kind }: { kind: Kind }) {
  const [isCreating, setCreating] = useState(false);
  const queries = useQueryClient();
  const flash = useFlash();
  const [, navigate] = useLocation();
  const own = WORDS[kind];
  return (
    <>
      <ServerTable<Identity>
        queryKey={keys.list(kind)}
        read={(size, token) => listIdentities(kind, size, token)}
        mostOnAPage={MAX_ON_A_PAGE}
        searched={({ name, path }) => [name, path]}
        trackBy="id"
        title={words.tabs[TAB_OF[kind]]}
        description={own.intro}
        filterLabel={words.find}
        empty={own.empty}
        emptyHelp={own.emptyHelp}
        sizeKey="account"
        columns={[
          {
            id: 'name',
            header: words.name,
            isRowHeader: true,
            minWidth: 160,
            cell: (one) => <RouterLink href={addressOf(kind, one.name)}>{one.name}</RouterLink>,
          },
          { id: 'path', header: words.path, minWidth: 100, cell: (one) => one.path },
          ...(kind === 'role'
            ? [
                {
                  id: 'description',
                  header: words.description,
                  minWidth: 200,
                  cell: (one: Identity) => one.description ?? text.common.none,
                },
              ]
            : []),
          { id: 'arn', header: words.arn, minWidth: 260, cell: (one) => one.arn },
          { id: 'created', header: words.createdAt, minWidth: 130, cell: (one) => <Ago value={one.created} /> },
        ]}
        actions={
          <Button variant="primary" onClick={() => setCreating(true)}>
            {own.create}
          </Button>
        }
      />
      {isCreating ? (
        <Create
          kind={kind}
          onClose={() => setCreating(false)}
          onCreated={(name) => {
            void queries.invalidateQueries({ queryKey: keys.list(kind) });
            flash.done(own.created(name));
            navigate(addressOf(kind, name));
          }}
        />
      ) : null}
    </>
  );
}

interface CreateProps {
  kind: Kind;
  onClose: () => void;
  onCreated: (name: string) => void;
}

function Create({ kind, onClose, onCreated }: CreateProps) {
  const { accountId } = useSession();
  const [name, setName] = useState('');
  const [path, setPath] = useState('/');
  const [description, setDescription] = useState('');
  const [trust, setTrust] = useState(() => newTrust(accountId));
  const isRole = kind === 'role';
  return (
    <FormDialog
      title={WORDS[kind].create}
      action={words.create}
      size={isRole ? 'large' : 'medium'}
      isDisabled={!name}
      onClose={onClose}
      onSubmit={async () => {
        await createIdentity(kind, { name, path: path || '/', ...(isRole ? { description, trust } : {}) });
        onCreated(name);
      }}
    >
      <FormField label={words.name} constraintText={words.nameHelp}>
        <Input
          value={name}
          onChange={({ detail }) => setName(detail.value.trim())}
          autoComplete={false}
          spellcheck={false}
          autoFocus
        />
      </FormField>
      <FormField label={words.path} constraintText={words.pathHelp}>
        <Input value={path} onChange={({ detail }) => setPath(detail.value.trim())} autoComplete={false} />
      </FormField>
      {isRole ? (
        <>
          <FormField label={words.description}>
            <Input value={description} onChange={({ detail }) => setDescription(detail.value)} autoComplete={false} />
          </FormField>
          <FormField label={words.roles.trust} description={words.roles.trustHelp} stretch>
            <Editor
              label={words.roles.trust}
              language={{ kind: 'policy' }}
              value={trust}
              onChange={setTrust}
              lines={16}
            />
          </FormField>
        </>
      ) : null}
    </FormDialog>
  );
}
