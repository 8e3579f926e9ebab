// Programs that connect to the broker, filled in for it, beside its page.
import Box from '@cloudscape-design/components/box';
import Drawer from '@cloudscape-design/components/drawer';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useMemo, useState } from 'react';
import type { Schemas } from '../../api/client';
import { useSession } from '../../api/session';
import { endpointsOf } from '../../model/endpoints';
import { preparation, type Snippet, snippets, type Target } from '../../model/snippets';
import { AUTHORITY_PATH } from '../../model/snippets/types';
import { text } from '../../text';
import { Code } from './Code';

type Broker = Schemas['DescribeBrokerResponse'];

const { drawer } = text.broker;
const CHOSEN = 'brokerd.client';

interface Props {
  broker: Broker;
  isOpen: boolean;
  onClose: () => void;
}

export default function ConnectDrawer({ broker, isOpen, onClose }: Props) {
  // It moves the focus when it is opened and closed, not when it is made open or taken away.
  const [isShown, setShown] = useState(false);
  useEffect(() => setShown(isOpen), [isOpen]);
  return (
    <Drawer
      open={isShown}
      position="fixed"
      placement="end"
      backdrop
      zIndex={2000}
      header={<Header variant="h2">{drawer.title(broker.brokerName)}</Header>}
      closeAction={{ ariaLabel: text.common.close }}
      onClose={onClose}
    >
      <div className="broker-drawer">{isShown ? <Programs broker={broker} /> : null}</div>
    </Drawer>
  );
}

function Programs({ broker }: { broker: Broker }) {
  const { apiUrl } = useSession();
  const engine = broker.engineType === 'RabbitMQ' ? 'RabbitMQ' : 'ActiveMQ';
  const [username, setUsername] = useState(broker.users.find((user) => !user.pendingChange)?.username ?? 'admin');
  const [chosen, setChosen] = useState(() => localStorage.getItem(`${CHOSEN}.${engine}`) ?? '');
  const target: Target = useMemo(
    () => ({
      engine,
      version: broker.engineVersion,
      endpoints: endpointsOf(broker),
      consoleUrl: broker.brokerInstances[0]?.consoleURL,
      username,
      authorityUrl: `${apiUrl}${AUTHORITY_PATH}`,
    }),
    [broker, engine, username, apiUrl],
  );
  const all = snippets(target);
  const snippet = all.find(({ id }) => id === chosen) ?? all[0];
  if (!snippet) return <Box color="text-body-secondary">{drawer.empty}</Box>;
  const options = optionsOf(all);
  return (
    <SpaceBetween size="m">
      <FormField label={drawer.client} stretch>
        <Select
          options={options}
          selectedOption={optionOf(snippet)}
          filteringType="auto"
          filteringAriaLabel={drawer.filter}
          filteringPlaceholder={drawer.filter}
          triggerVariant="option"
          expandToViewport
          onChange={({ detail }) => {
            const id = detail.selectedOption.value ?? '';
            localStorage.setItem(`${CHOSEN}.${engine}`, id);
            setChosen(id);
          }}
        />
      </FormField>
      <FormField label={drawer.user} description={drawer.userHelp} stretch>
        <Input value={username} onChange={({ detail }) => setUsername(detail.value)} autoComplete={false} />
      </FormField>
      <Code label={drawer.prepare} language="shell" text={preparation(target, snippet)} />
      <Code label={drawer.install} language="shell" text={`${snippet.install}\n`} />
      {snippet.files.map((file) => (
        <Code key={file.name} label={drawer.file(file.name)} language={file.language} text={file.text} />
      ))}
      <Code label={drawer.run} language="shell" text={`${snippet.run}\n`} />
      <Box color="text-body-secondary">
        {drawer.expected} {drawer.certificate}
      </Box>
    </SpaceBetween>
  );
}

const optionOf = (snippet: Snippet): SelectProps.Option => ({
  value: snippet.id,
  label: `${snippet.group}: ${snippet.client}`,
  description: snippet.protocol,
  filteringTags: [snippet.protocol],
});

/** The clients by language, in the order of the list. */
function optionsOf(all: Snippet[]): SelectProps.OptionGroup[] {
  const groups = new Map<string, SelectProps.Option[]>();
  for (const snippet of all) {
    groups.set(snippet.group, [...(groups.get(snippet.group) ?? []), optionOf(snippet)]);
  }
  return [...groups].map(([label, options]) => ({ label, options }));
}
