import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { answer, api } from '../../api/client';
import { isChangeable } from '../../model/rebootEffect';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Broker, type Group, readBroker, useChanged } from './queries';
import { RuleList } from './rules';

const t = text.settings.network;
const MAX_GROUPS = 5;

interface Props {
  broker: Broker;
  groups: Group[] | undefined;
  onEdit: (group: Group) => void;
  onDefine: (id: string) => void;
}

interface Attached {
  id: string;
  group: Group | undefined;
}

/** The groups that the broker names, defined or not. */
export function BrokerGroups({ broker, groups, onEdit, onDefine }: Props) {
  const [asking, setAsking] = useState<{ kind: 'attach' } | { kind: 'detach'; attached: Attached }>();
  const items = broker.securityGroups.map((id): Attached => ({
    id,
    group: groups?.find((group) => group.securityGroupId === id),
  }));
  const isFixed = broker.engineType === 'RabbitMQ';
  const isBusy = !isChangeable(broker.brokerState);
  const whyNotAttach = isFixed
    ? t.fixedForRabbit
    : isBusy
      ? text.settings.notChangeable(broker.brokerState)
      : items.length >= MAX_GROUPS
        ? t.attachLimit
        : undefined;
  const whyNotDetach = isFixed
    ? t.fixedForRabbit
    : isBusy
      ? text.settings.notChangeable(broker.brokerState)
      : items.length < 2
        ? t.detachLast
        : undefined;
  return (
    <>
      <Table
        header={
          <Header
            variant="h2"
            counter={text.settings.pendingCount(items.length)}
            description={isFixed ? `${t.ofBrokerHelp} ${t.fixedForRabbit}` : t.ofBrokerHelp}
            actions={
              <Button
                disabled={whyNotAttach !== undefined}
                disabledReason={whyNotAttach}
                onClick={() => setAsking({ kind: 'attach' })}
              >
                {t.attach}
              </Button>
            }
          >
            {t.ofBroker}
          </Header>
        }
        ariaLabels={{ tableLabel: t.ofBroker }}
        items={items}
        trackBy="id"
        wrapLines
        empty={<Box padding="m">{t.ofBrokerNone}</Box>}
        columnDefinitions={[
          {
            id: 'name',
            header: t.name,
            isRowHeader: true,
            minWidth: 160,
            cell: ({ id, group }) => (
              <>
                <div>{group ? group.name : id}</div>
                {group ? <Box variant="small">{id}</Box> : null}
              </>
            ),
          },
          {
            id: 'rules',
            header: t.rules,
            minWidth: 240,
            cell: ({ group }) =>
              group ? (
                <RuleList rules={group.rules} />
              ) : groups ? (
                <StatusIndicator type="warning">{t.undefined}</StatusIndicator>
              ) : (
                text.common.loading
              ),
          },
          {
            id: 'actions',
            header: text.settings.action,
            minWidth: 170,
            cell: (attached) => {
              const { id, group } = attached;
              return (
                <SpaceBetween direction="horizontal" size="s">
                  {group ? (
                    <Button variant="inline-link" ariaLabel={t.editWhat(group.name)} onClick={() => onEdit(group)}>
                      {t.edit}
                    </Button>
                  ) : groups ? (
                    <Button variant="inline-link" ariaLabel={`${t.define} ${id}`} onClick={() => onDefine(id)}>
                      {t.define}
                    </Button>
                  ) : null}
                  <Button
                    variant="inline-link"
                    ariaLabel={t.detachWhat(group?.name ?? id)}
                    disabled={whyNotDetach !== undefined}
                    disabledReason={whyNotDetach}
                    onClick={() => setAsking({ kind: 'detach', attached })}
                  >
                    {t.detach}
                  </Button>
                </SpaceBetween>
              );
            },
          },
        ]}
      />
      {asking?.kind === 'attach' ? (
        <AttachDialog broker={broker} groups={groups ?? []} onClose={() => setAsking(undefined)} />
      ) : null}
      {asking?.kind === 'detach' ? (
        <DetachDialog broker={broker} attached={asking.attached} onClose={() => setAsking(undefined)} />
      ) : null}
    </>
  );
}

/** Changes the list that the broker has now, whatever was shown: nobody's change is overwritten. */
function useGroupChange(broker: Broker, onClose: () => void) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const client = useQueryClient();
  const apply = async (change: (now: string[]) => string[], done: string) => {
    setBusy(true);
    setError(undefined);
    try {
      const now = (await readBroker(broker.brokerId)).securityGroups;
      const params = { path: { 'broker-id': broker.brokerId } };
      await answer(api.PUT('/v1/brokers/{broker-id}', { params, body: { securityGroups: change(now) } }));
      await Promise.all([changed(), client.invalidateQueries({ queryKey: ['security-groups'] })]);
      flash.done(done);
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return { isBusy, error, apply };
}

interface DialogProps {
  title: string;
  action: string;
  isBusy: boolean;
  isReady: boolean;
  onAct: () => void;
  onClose: () => void;
  children: ReactNode;
}

function ChangeDialog({ title, action, isBusy, isReady, onAct, onClose, children }: DialogProps) {
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} disabled={!isReady} onClick={onAct}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      {children}
    </Modal>
  );
}

function AttachDialog({ broker, groups, onClose }: { broker: Broker; groups: Group[]; onClose: () => void }) {
  const [chosen, setChosen] = useState<string>();
  const { isBusy, error, apply } = useGroupChange(broker, onClose);
  const free = groups.filter(({ securityGroupId }) => !broker.securityGroups.includes(securityGroupId));
  const options = free.map(({ securityGroupId, name, description, rules }) => ({
    value: securityGroupId,
    label: name,
    labelTag: t.ruleCount(rules.length),
    description: [securityGroupId, description].filter(Boolean).join(' · '),
  }));
  const group = free.find(({ securityGroupId }) => securityGroupId === chosen);
  const attach = () => {
    if (!chosen) return;
    void apply((now) => [...now.filter((id) => id !== chosen), chosen], t.attached(group?.name ?? chosen));
  };
  return (
    <ChangeDialog
      title={t.attachTitle}
      action={t.attach}
      isBusy={isBusy}
      isReady={chosen !== undefined}
      onAct={attach}
      onClose={onClose}
    >
      <SpaceBetween size="m">
        {error ? <Problem error={error} /> : null}
        <FormField label={t.attachWhich}>
          <Select
            options={options}
            selectedOption={options.find(({ value }) => value === chosen) ?? null}
            onChange={({ detail }) => setChosen(detail.selectedOption.value)}
            placeholder={t.attachChoose}
            filteringType="auto"
            empty={t.attachNone}
          />
        </FormField>
        {group ? <RuleList rules={group.rules} /> : null}
      </SpaceBetween>
    </ChangeDialog>
  );
}

function DetachDialog({ broker, attached, onClose }: { broker: Broker; attached: Attached; onClose: () => void }) {
  const { isBusy, error, apply } = useGroupChange(broker, onClose);
  const name = attached.group?.name ?? attached.id;
  return (
    <ChangeDialog
      title={t.detachTitle(name)}
      action={t.detach}
      isBusy={isBusy}
      isReady
      onAct={() => void apply((now) => now.filter((id) => id !== attached.id), t.detached(name))}
      onClose={onClose}
    >
      <SpaceBetween size="m">
        {error ? <Problem error={error} /> : null}
        <Alert type="warning">{t.detachWarning}</Alert>
        {attached.group ? <RuleList rules={attached.group.rules} /> : t.undefined}
      </SpaceBetween>
    </ChangeDialog>
  );
}
