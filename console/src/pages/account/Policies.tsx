// Managed policies: their list, and creating one.
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { Editor } from '../../shared/editor/Editor';
import { FormDialog } from '../../shared/FormDialog';
import { RouterLink } from '../../shared/RouterLink';
import { ServerTable } from '../../shared/ServerTable';
import { Ago } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { NEW_POLICY } from './documents';
import { createPolicy, keys, listPolicies, MAX_ON_A_PAGE, type Policy } from './iam';
import { PolicyDetails } from './PolicyDetails';

const words = text.account.policies;
const SCOPES = ['Local', 'AWS', 'All'] as const;
const addressOf = (arn: string) => `/account/policies?name=${encodeURIComponent(arn)}`;

export function Policies({ arn }: { arn: string | undefined }) {
  return arn === undefined ? <List /> : <PolicyDetails key={arn} arn={arn} />;
}

function List() {
  const [scope, setScope] = useState<string>('Local');
  const [isCreating, setCreating] = useState(false);
  const queries = useQueryClient();
  const flash = useFlash();
  const [, navigate] = useLocation();
  return (
    <SpaceBetween size="m">
      <SegmentedControl
        selectedId={scope}
        label={words.scope}
        options={SCOPES.map((id) => ({ id, text: words.scopes[id] }))}
        onChange={({ detail }) => setScope(detail.selectedId)}
      />
      <ServerTable<Policy>
        key={scope}
        queryKey={[...keys.list('policy'), scope]}
        read={(size, token) => listPolicies(scope, size, token)}
        mostOnAPage={MAX_ON_A_PAGE}
        searched={({ name, path, description }) => [name, path, description ?? '']}
        trackBy="arn"
        title={text.account.tabs.policies}
        description={words.intro}
        filterLabel={text.account.find}
        empty={words.empty}
        emptyHelp={words.emptyHelp}
        sizeKey="account"
        columns={[
          {
            id: 'name',
            header: text.account.name,
            isRowHeader: true,
            minWidth: 200,
            cell: (one) => <RouterLink href={addressOf(one.arn)}>{one.name}</RouterLink>,
          },
          { id: 'path', header: text.account.path, minWidth: 100, cell: (one) => one.path },
          { id: 'attached', header: words.attachments, minWidth: 110, cell: (one) => one.attachments },
          { id: 'version', header: words.defaultVersion, minWidth: 150, cell: (one) => one.defaultVersion },
          {
            id: 'updated',
            header: text.configurations.changedAt,
            minWidth: 140,
            cell: (one) => <Ago value={one.updated} />,
          },
        ]}
        actions={
          <Button variant="primary" onClick={() => setCreating(true)}>
            {words.create}
          </Button>
        }
      />
      {isCreating ? (
        <Create
          onClose={() => setCreating(false)}
          onCreated={({ arn, name }) => {
            void queries.invalidateQueries({ queryKey: keys.list('policy') });
            flash.done(words.created(name));
            navigate(addressOf(arn));
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}

function Create({ onClose, onCreated }: { onClose: () => void; onCreated: (made: Policy) => void }) {
  const [name, setName] = useState('');
  const [path, setPath] = useState('/');
  const [description, setDescription] = useState('');
  const [document, setDocument] = useState(NEW_POLICY);
  return (
    <FormDialog
      title={words.create}
      action={text.account.create}
      size="large"
      isDisabled={!name}
      onClose={onClose}
      onSubmit={async () => onCreated(await createPolicy(name, path || '/', description, document))}
    >
      <FormField label={text.account.name} constraintText={text.account.nameHelp}>
        <Input
          value={name}
          onChange={({ detail }) => setName(detail.value.trim())}
          autoComplete={false}
          spellcheck={false}
          autoFocus
        />
      </FormField>
      <FormField label={text.account.path} constraintText={text.account.pathHelp}>
        <Input value={path} onChange={({ detail }) => setPath(detail.value.trim())} autoComplete={false} />
      </FormField>
      <FormField label={text.account.description}>
        <Input value={description} onChange={({ detail }) => setDescription(detail.value)} autoComplete={false} />
      </FormField>
      <FormField label={words.document} description={words.documentHelp} stretch>
        <Editor
          label={words.document}
          language={{ kind: 'policy' }}
          value={document}
          onChange={setDocument}
          lines={18}
        />
      </FormField>
    </FormDialog>
  );
}
