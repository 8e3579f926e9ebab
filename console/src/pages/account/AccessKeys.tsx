// The access keys of a user, or of whoever is signed in.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Checkbox from '@cloudscape-design/components/checkbox';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useSession } from '../../api/session';
import { ConfirmByName } from '../../shared/ConfirmByName';
import { CopyText } from '../../shared/CopyText';
import { download } from '../../shared/download';
import { Problem } from '../../shared/Problem';
import { Ago } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type AccessKey, createKey, deleteKey, keys, lastUse, listKeys, setKeyActive } from './iam';

const words = text.account.keys;
/** The most keys that somebody may have. */
const MOST = 2;

export function AccessKeys({ user }: { user: string | undefined }) {
  const session = useSession();
  const queries = useQueryClient();
  const flash = useFlash();
  const [made, setMade] = useState<{ id: string; secret: string }>();
  const [deleted, setDeleted] = useState<AccessKey>();
  const [isBusy, setBusy] = useState(false);
  const queryKey = [...keys.one('user', user ?? ''), 'keys'];
  const query = useQuery({ queryKey, queryFn: () => listKeys(user) });
  const again = () => queries.invalidateQueries({ queryKey });
  const create = async () => {
    setBusy(true);
    try {
      setMade(await createKey(user));
      await again();
    } catch (error) {
      flash.failed(words.create, error);
    }
    setBusy(false);
  };
  const change = async ({ id, isActive }: AccessKey) => {
    try {
      await setKeyActive(user, id, !isActive);
      flash.done(isActive ? words.deactivated(id) : words.activated(id));
      await again();
    } catch (error) {
      flash.failed(isActive ? words.deactivate : words.activate, error);
    }
  };
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const items = query.data ?? [];
  return (
    <>
      <Table
        items={items}
        trackBy="id"
        loading={query.isPending}
        loadingText={text.common.loading}
        enableKeyboardNavigation
        header={
          <Header
            variant="h2"
            counter={`(${items.length}/${MOST})`}
            description={words.help}
            actions={
              <Button loading={isBusy} disabled={items.length >= MOST} onClick={() => void create()}>
                {words.create}
              </Button>
            }
          >
            {user === undefined ? words.own : words.title}
          </Header>
        }
        columnDefinitions={[
          {
            id: 'key',
            header: words.key,
            isRowHeader: true,
            minWidth: 240,
            cell: ({ id }) => (
              <>
                <CopyText value={id} label={words.key} />
                {id === session.accessKeyId ? ` (${words.thisOne})` : ''}
              </>
            ),
          },
          {
            id: 'status',
            header: words.status,
            minWidth: 110,
            cell: ({ isActive }) => (
              <StatusIndicator type={isActive ? 'success' : 'stopped'}>
                {isActive ? words.active : words.inactive}
              </StatusIndicator>
            ),
          },
          { id: 'used', header: words.lastUsed, minWidth: 180, cell: ({ id }) => <LastUse id={id} /> },
          {
            id: 'created',
            header: text.account.createdAt,
            minWidth: 130,
            cell: ({ created }) => <Ago value={created} />,
          },
          {
            id: 'actions',
            header: text.account.actions,
            minWidth: 70,
            cell: (key) => (
              <ButtonDropdown
                variant="icon"
                ariaLabel={words.actions(key.id)}
                expandToViewport
                items={[
                  { id: 'change', text: key.isActive ? words.deactivate : words.activate },
                  { id: 'delete', text: text.common.delete },
                ]}
                onItemClick={({ detail }) => (detail.id === 'delete' ? setDeleted(key) : void change(key))}
              />
            ),
          },
        ]}
        empty={
          <Box textAlign="center" padding="m">
            {words.empty}
          </Box>
        }
      />
      {made ? <NewKey made={made} onClose={() => setMade(undefined)} /> : null}
      {deleted ? (
        <ConfirmByName
          title={words.deleteTitle}
          lost={words.deleteLost}
          name={deleted.id}
          action={text.common.delete}
          onClose={() => setDeleted(undefined)}
          onConfirm={async () => {
            await deleteKey(user, deleted.id);
            flash.done(words.deleted(deleted.id));
            await again();
          }}
        />
      ) : null}
    </>
  );
}

function LastUse({ id }: { id: string }) {
  const query = useQuery({ queryKey: [...keys.all, 'last-use', id], queryFn: () => lastUse(id) });
  if (!query.data) return <>{query.error ? text.account.usage.unknown : text.common.loading}</>;
  if (query.data.at === undefined) return <>{words.never}</>;
  return (
    <>
      <Ago value={query.data.at} /> ({words.lastUsedIn(query.data.service, query.data.region)})
    </>
  );
}

/** Shows the secret, this once. */
function NewKey({ made: { id, secret }, onClose }: { made: { id: string; secret: string }; onClose: () => void }) {
  const [isShown, setShown] = useState(false);
  const [isStored, setStored] = useState(false);
  const csv = `Access key ID,Secret access key\r\n${id},${secret}\r\n`;
  return (
    <Modal
      visible
      header={words.newTitle}
      closeAriaLabel={text.common.close}
      // A click beside the dialog must not lose the secret.
      onDismiss={({ detail }) => {
        if (detail.reason === 'closeButton' || isStored) onClose();
      }}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="download" onClick={() => download(`${id}.csv`, csv, 'text/csv')}>
              {words.file}
            </Button>
            <Button variant="primary" disabled={!isStored} onClick={onClose}>
              {words.done}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">{words.newHelp}</Alert>
        <FormField label={words.key}>
          <CopyText value={id} label={words.key} />
        </FormField>
        <FormField label={words.secret}>
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            <CopyToClipboard
              variant="inline"
              textToCopy={secret}
              textToDisplay={isShown ? secret : '•'.repeat(16)}
              copyButtonAriaLabel={`${text.common.copy}: ${words.secret}`}
              copySuccessText={text.common.copied}
              copyErrorText={text.common.failed}
            />
            <Button variant="inline-link" onClick={() => setShown(!isShown)}>
              {isShown ? words.hide : words.show}
            </Button>
          </SpaceBetween>
        </FormField>
        <Checkbox checked={isStored} onChange={({ detail }) => setStored(detail.checked)}>
          {words.stored}
        </Checkbox>
      </SpaceBetween>
    </Modal>
  );
}
