// A user, a group or a role with everything that it has.
import Link from '@cloudscape-design/components/link';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { ApiError } from '../../api/errors';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { CopyText } from '../../shared/CopyText';
import { Loading } from '../../shared/Loading';
import { NotFound } from '../../shared/NotFound';
import { Problem } from '../../shared/Problem';
import { TagsEditor } from '../../shared/TagsEditor';
import { Time } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { AccessKeys } from './AccessKeys';
import { Boundary } from './Boundary';
import { changeTagsOf, deleteIdentity, getIdentity, type Identity, type Kind, keys } from './iam';
import { Members } from './Members';
import { Memberships } from './Memberships';
import { Permissions } from './Permissions';
import { RoleSettings } from './RoleSettings';

const words = text.account;
const TABS = { user: 'users', group: 'groups', role: 'roles' } as const;
const WORDS = { user: words.users, group: words.groups, role: words.roles } as const;

export function IdentityDetails({ kind, name }: { kind: Kind; name: string }) {
  const query = useQuery({ queryKey: keys.one(kind, name), queryFn: () => getIdentity(kind, name) });
  if (query.data) return <Details identity={query.data} />;
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFound what={words.missing} />;
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading />;
}

function Details({ identity }: { identity: Identity }) {
  const { kind, name } = identity;
  const [isDeleting, setDeleting] = useState(false);
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const flash = useFlash();
  const list = `/account/${TABS[kind]}`;
  const again = () => queries.invalidateQueries({ queryKey: keys.one(kind, name) });
  return (
    <SpaceBetween size="l">
      <Link
        href={`/console${list}`}
        onFollow={(event) => {
          event.preventDefault();
          navigate(list);
        }}
      >
        {words.back(words.tabs[TABS[kind]])}
      </Link>
      <Container
        header={
          <Header
            variant="h2"
            actions={<Button onClick={() => setDeleting(true)}>{text.common.delete}</Button>}
            description={identity.description}
          >
            {name}
          </Header>
        }
      >
        <KeyValuePairs
          columns={4}
          items={[
            { label: words.arn, value: <CopyText value={identity.arn} label={words.arn} /> },
            { label: words.id, value: <CopyText value={identity.id} label={words.id} /> },
            { label: words.path, value: identity.path },
            { label: words.createdAt, value: <Time value={identity.created} /> },
          ]}
        />
      </Container>
      {kind === 'user' ? <AccessKeys user={name} /> : null}
      {kind === 'group' ? <Members group={name} /> : null}
      {kind === 'user' ? <Memberships user={name} /> : null}
      {kind === 'role' ? <RoleSettings role={identity} onSaved={again} /> : null}
      <Permissions kind={kind} name={name} />
      {kind === 'group' ? null : (
        <SpaceBetween size="l">
          <Boundary kind={kind} name={name} arn={identity.boundary} onSaved={again} />
          <TagsEditor
            tags={identity.tags}
            onSave={async (changes) => {
              await changeTagsOf({ kind, name }, changes);
              await again();
              flash.done(words.tags.saved);
            }}
          />
        </SpaceBetween>
      )}
      {isDeleting ? (
        <ConfirmByName
          title={WORDS[kind].deleteTitle(name)}
          lost={WORDS[kind].deleteLost}
          name={name}
          action={text.common.delete}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await deleteIdentity(kind, name);
            flash.done(WORDS[kind].deleted(name));
            navigate(list);
            void queries.invalidateQueries({ queryKey: keys.all });
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}
