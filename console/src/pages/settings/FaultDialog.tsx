import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import { type FormEvent, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { ApiError } from '../../api/errors';
import { faultRequest, type FaultDraft, faultDraftFaults, FAULT_KINDS, membersOf } from '../../model/faultDraft';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Broker, useChanged } from './queries';

const t = text.settings.faults;

type NumberMember = 'durationSeconds' | 'latencyMilliseconds' | 'jitterMilliseconds';

interface Props {
  broker: Broker;
  /** The kinds that the server accepts for this broker. */
  kinds: string[];
  instances: Schemas['FaultInstanceView'][];
  onClose: () => void;
}

function modeOf({ deploymentMode }: Broker): 'SINGLE' | 'PAIR' | 'CLUSTER' {
  if (deploymentMode === 'ACTIVE_STANDBY_MULTI_AZ') return 'PAIR';
  return deploymentMode === 'CLUSTER_MULTI_AZ' ? 'CLUSTER' : 'SINGLE';
}

/** Starts a fault: which kind, of what, for how long, and what clients notice. */
export function FaultDialog({ broker, kinds, instances, onClose }: Props) {
  const zones = [...new Set(instances.map(({ zone }) => zone))];
  const [draft, setDraft] = useState<FaultDraft>({
    kind: kinds.includes('FAILOVER') ? 'FAILOVER' : 'KILL',
    instance: '',
    zone: zones[0] ?? '',
    durationSeconds: '30',
    latencyMilliseconds: '200',
    jitterMilliseconds: '0',
  });
  const [isChecked, setChecked] = useState(false);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const flash = useFlash();
  const changed = useChanged(broker.brokerId);
  const faults = faultDraftFaults(draft);
  const members = membersOf(draft.kind);
  const set = (changes: Partial<FaultDraft>) => {
    setDraft({ ...draft, ...changes });
    setRefused({});
    setError(undefined);
  };
  const errorOf = (member: keyof FaultDraft) => {
    const range = isChecked ? faults[member] : undefined;
    return refused[member] ?? (range && t.between(...range));
  };
  const start = async () => {
    setChecked(true);
    if (isBusy || Object.keys(faults).length) return;
    setBusy(true);
    try {
      const params = { path: { 'broker-id': broker.brokerId } };
      await answer(api.POST('/brokerd/v1/brokers/{broker-id}/faults', { params, body: faultRequest(draft) }));
      flash.done(t.started(t.kinds[draft.kind] ?? draft.kind));
      void changed();
      onClose();
    } catch (failure) {
      const attribute = failure instanceof ApiError ? failure.attribute : undefined;
      if (attribute && attribute in draft) setRefused({ [attribute]: (failure as ApiError).message });
      else setError(failure);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void start();
  };
  const number = (member: NumberMember, label: string, help: string) =>
    members.includes(member) ? (
      <FormField label={label} constraintText={help} errorText={errorOf(member)}>
        <Input
          value={draft[member]}
          onChange={({ detail }) => set({ [member]: detail.value })}
          inputMode="numeric"
          autoComplete={false}
        />
      </FormField>
    ) : null;
  const anyInstance = { value: '', label: t.instanceServing };
  const instanceOptions = [
    anyInstance,
    ...instances.map(({ instance, zone }) => ({
      value: String(instance),
      label: t.instanceOption(instance),
      description: zone,
    })),
  ];
  const zoneOptions = zones.map((zone) => ({
    value: zone,
    label: zone,
    description: t.zoneOf(
      instances
        .filter((one) => one.zone === zone)
        .map(({ instance }) => instance)
        .join(', '),
    ),
  }));
  const unavailable = (kind: string) =>
    kinds.includes(kind) ? undefined : kind === 'FILL_DISK' ? t.notWithoutDisks : t.notForMode;
  return (
    <Modal
      visible
      size="large"
      header={t.startTitle(broker.brokerName)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => void start()}>
              {t.startAction}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form onSubmit={submit}>
        <SpaceBetween size="l">
          {error ? <Problem error={error} /> : null}
          <FormField label={t.kind} errorText={refused['kind']} stretch>
            <Tiles
              value={draft.kind}
              onChange={({ detail }) => set({ kind: detail.value })}
              columns={2}
              items={FAULT_KINDS.map((kind) => ({
                value: kind,
                label: t.kinds[kind],
                description: unavailable(kind) ?? t.explained[kind],
                disabled: !kinds.includes(kind),
              }))}
            />
          </FormField>
          <ColumnLayout columns={2}>
            {members.includes('instance') ? (
              <FormField label={t.instance} errorText={errorOf('instance')}>
                <Select
                  options={instanceOptions}
                  selectedOption={instanceOptions.find(({ value }) => value === draft.instance) ?? anyInstance}
                  onChange={({ detail }) => set({ instance: detail.selectedOption.value ?? '' })}
                />
              </FormField>
            ) : null}
            {members.includes('zone') ? (
              <FormField label={t.zone} errorText={errorOf('zone')}>
                <Select
                  options={zoneOptions}
                  selectedOption={zoneOptions.find(({ value }) => value === draft.zone) ?? null}
                  onChange={({ detail }) => set({ zone: detail.selectedOption.value ?? '' })}
                />
              </FormField>
            ) : null}
            {number('latencyMilliseconds', t.latency, t.latencyHelp)}
            {number('jitterMilliseconds', t.jitter, t.jitterHelp)}
            {number('durationSeconds', t.duration, t.durationHelp)}
          </ColumnLayout>
          <Alert type="warning" header={t.clientsNotice}>
            {t.clients[draft.kind]?.[modeOf(broker)]}
          </Alert>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
