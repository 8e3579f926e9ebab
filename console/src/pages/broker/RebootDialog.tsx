import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { pendingChanges } from '../../model/pendingChanges';
import { rebootEffect } from '../../model/rebootEffect';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import { PendingTable } from './PendingTable';

interface Props {
  broker: Schemas['DescribeBrokerResponse'];
  onClose: () => void;
}

/** Says what a reboot applies and what clients notice of it, and does it. */
export function RebootDialog({ broker, onClose }: Props) {
  const queries = useQueryClient();
  const flash = useFlash();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { reboot } = text.broker;
  const { brokerId: id, brokerName: name } = broker;
  const isPending = pendingChanges(broker).length > 0;
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await answer(api.POST('/v1/brokers/{broker-id}/reboot', { params: { path: { 'broker-id': id } } }));
    } catch (failure) {
      setError(failure);
      setBusy(false);
      return;
    }
    flash.done(reboot.accepted(name));
    void queries.invalidateQueries({ queryKey: [keys.broker, id] });
    onClose();
  };
  return (
    <Modal
      visible
      header={reboot.title(name)}
      size={isPending ? 'large' : 'medium'}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => void submit()}>
              {reboot.action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">{reboot.effects[rebootEffect(broker)]}</Alert>
        <Box variant="p">{isPending ? reboot.applies : reboot.nothing}</Box>
        {isPending ? <PendingTable broker={broker} /> : null}
        {error === undefined ? null : <Problem error={error} />}
      </SpaceBetween>
    </Modal>
  );
}
