// Reboots or deletes brokers: what it does, which are left out and why, and what came of each.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import Textarea from '@cloudscape-design/components/textarea';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { areNamed, type BrokerRow, type BulkAction, permits } from '../../model/brokers';
import { forEach, type Outcome } from '../../model/bulk';
import { keys } from '../../shell/live';
import { text } from '../../text';

const FORM = 'bulk';

interface Props {
  action: BulkAction;
  brokers: BrokerRow[];
  /** Told the ids for which it was accepted. */
  onClose: (done: string[]) => void;
}

export function BulkDialog({ action, brokers, onClose }: Props) {
  const client = useQueryClient();
  // What is asked must not change under the person's hands.
  const [asked] = useState(brokers);
  const targets = asked.filter(({ brokerState }) => permits(action, brokerState));
  const [outcomes, setOutcomes] = useState<Outcome[]>();
  const [isBusy, setBusy] = useState(false);
  const [entered, setEntered] = useState('');
  const isNamed =
    action === 'reboot' ||
    areNamed(
      entered,
      targets.map(({ brokerName }) => brokerName),
    );
  const isOver = outcomes !== undefined && !isBusy;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isNamed || isBusy || outcomes) return;
    setBusy(true);
    setOutcomes(targets.map(() => ({ kind: 'waiting' })));
    await forEach(targets, (broker) => asks(action, broker.brokerId), {
      isPassing: (error) => error instanceof ApiError && error.status === 429,
      onOutcome: (at, outcome) => setOutcomes((all) => all?.map((one, other) => (other === at ? outcome : one))),
    });
    setBusy(false);
    await client.invalidateQueries({ queryKey: [keys.brokers] });
  };
  const close = () => onClose(targets.filter((_, at) => outcomes?.[at]?.kind === 'done').map((one) => one.brokerId));
  const titles = { reboot: text.brokers.rebootTitle, delete: text.brokers.deleteTitle };
  const count = (kind: Outcome['kind']) => outcomes?.filter((one) => one.kind === kind).length ?? 0;

  return (
    <Modal
      visible
      size="large"
      header={titles[action](targets.length)}
      closeAriaLabel={text.common.close}
      // What was begun goes on; closing now would hide what comes of it.
      onDismiss={() => (isBusy ? undefined : close())}
      footer={
        <Box float="right">
          {isOver ? (
            <Button variant="primary" onClick={close}>
              {text.common.close}
            </Button>
          ) : (
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" disabled={isBusy} onClick={close}>
                {text.common.cancel}
              </Button>
              <Button variant="primary" form={FORM} formAction="submit" disabled={!isNamed} loading={isBusy}>
                {text.brokers[action]}
              </Button>
            </SpaceBetween>
          )}
        </Box>
      }
    >
      <form id={FORM} onSubmit={submit}>
        <SpaceBetween size="m">
          {outcomes ? (
            <div aria-live="polite">
              {isOver ? (
                <Alert type={count('failed') ? 'warning' : 'success'}>
                  {text.brokers.summary(count('done'), count('failed'))}
                </Alert>
              ) : null}
            </div>
          ) : (
            <What action={action} brokers={targets} />
          )}
          <Table
            variant="embedded"
            trackBy="brokerId"
            wrapLines
            items={asked}
            ariaLabels={{ tableLabel: titles[action](targets.length) }}
            columnDefinitions={[
              { id: 'name', header: text.brokers.name, cell: (row) => <Name row={row} />, isRowHeader: true },
              {
                id: 'result',
                header: outcomes ? text.brokers.result : text.brokers.state,
                cell: (row) => <Result action={action} row={row} outcome={outcomes?.[targets.indexOf(row)]} />,
              },
            ]}
          />
          {action === 'delete' && !outcomes ? (
            <Names brokers={targets} entered={entered} onEntered={setEntered} />
          ) : null}
        </SpaceBetween>
      </form>
    </Modal>
  );
}

function asks(action: BulkAction, id: string): Promise<unknown> {
  const parameters = { params: { path: { 'broker-id': id } } };
  return action === 'reboot'
    ? answer(api.POST('/v1/brokers/{broker-id}/reboot', parameters))
    : answer(api.DELETE('/v1/brokers/{broker-id}', parameters));
}

/** What the action does. */
function What({ action, brokers }: { action: BulkAction; brokers: BrokerRow[] }) {
  if (action === 'delete') {
    return (
      <Alert type="warning">
        {text.brokers.deleteWhat(brokers.length)} {text.brokers.deleteMore}
      </Alert>
    );
  }
  const modes = ['SINGLE_INSTANCE', 'ACTIVE_STANDBY_MULTI_AZ', 'CLUSTER_MULTI_AZ'];
  const sentences = text.brokers.rebootModes.filter((_, at) =>
    brokers.some(({ deploymentMode }) => deploymentMode === modes[at]),
  );
  return (
    <Alert type="info">
      {text.brokers.rebootWhat} {sentences.join(' ')}
    </Alert>
  );
}

interface NamesProps {
  brokers: BrokerRow[];
  entered: string;
  onEntered: (entered: string) => void;
}

function Names({ brokers, entered, onEntered }: NamesProps) {
  const [only, ...others] = brokers;
  if (only && !others.length) {
    return (
      <FormField label={text.brokers.confirmOne(only.brokerName)} stretch>
        <Input
          value={entered}
          onChange={({ detail }) => onEntered(detail.value)}
          placeholder={only.brokerName}
          autoComplete={false}
          spellcheck={false}
        />
      </FormField>
    );
  }
  return (
    <FormField label={text.brokers.confirmMany(brokers.length)} description={text.brokers.confirmHelp} stretch>
      <Textarea
        value={entered}
        onChange={({ detail }) => onEntered(detail.value)}
        rows={Math.min(brokers.length + 1, 6)}
        autoComplete={false}
        spellcheck={false}
      />
    </FormField>
  );
}

function Name({ row }: { row: BrokerRow }) {
  return (
    <>
      {row.brokerName}
      <Box fontSize="body-s" fontWeight="normal" color="text-body-secondary">
        {`${text.brokers.engineName(row.engineType)}, ${text.brokers.modeName(row.deploymentMode)}`}
      </Box>
    </>
  );
}

interface ResultProps {
  action: BulkAction;
  row: BrokerRow;
  /** Absent: nothing was asked yet, or not for this one. */
  outcome: Outcome | undefined;
}

function Result({ action, row, outcome }: ResultProps) {
  if (!permits(action, row.brokerState)) {
    return <StatusIndicator type="stopped">{text.brokers.skipped(row.brokerState)}</StatusIndicator>;
  }
  switch (outcome?.kind) {
    case undefined:
      return <>{text.brokers.stateName(row.brokerState)}</>;
    case 'waiting':
      return <StatusIndicator type="pending">{text.brokers.waiting}</StatusIndicator>;
    case 'running':
      return <StatusIndicator type="loading">{text.brokers.running}</StatusIndicator>;
    case 'done':
      return (
        <StatusIndicator type="success">
          {action === 'reboot' ? text.brokers.rebootDone : text.brokers.deleteDone}
        </StatusIndicator>
      );
    case 'failed':
      return <StatusIndicator type="error">{outcome.why}</StatusIndicator>;
  }
}
