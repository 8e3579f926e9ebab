import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../../api/client';
import { CopyText } from '../../../shared/CopyText';
import { keys } from '../../../shell/live';
import { useFlash } from '../../../shell/flash';
import { text } from '../../../text';
import type { Broker } from '../graphs/data';

const words = text.monitoring.logs;

type Log = 'general' | 'audit';

const isRabbit = (broker: Broker) => broker.engineType.toUpperCase() === 'RABBITMQ';

/** The logs that an engine has and that are not published. */
export function logsOff(broker: Broker): Log[] {
  const all: Log[] = isRabbit(broker) ? ['general'] : ['general', 'audit'];
  return all.filter((log) => !broker.logs[log]);
}

/** Says which logs are not published, and turns them on. */
export function LogsOff({ broker, logs }: { broker: Broker; logs: Log[] }) {
  return (
    <SpaceBetween size="s">
      {logs.map((log) => (
        <LogOff key={log} broker={broker} log={log} isRabbit={isRabbit(broker)} />
      ))}
    </SpaceBetween>
  );
}

function LogOff({ broker, log, isRabbit }: { broker: Broker; log: Log; isRabbit: boolean }) {
  const [isBusy, setBusy] = useState(false);
  const client = useQueryClient();
  const flash = useFlash();
  const { general, audit, pending } = broker.logs;
  const ofActiveMq = isRabbit ? {} : { audit: pending?.audit ?? audit ?? false };
  const now = { general: pending?.general ?? general, ...ofActiveMq };
  const wanted = { ...now, [log]: true };
  const isPending = pending?.[log] === true;
  const names = Object.entries(wanted).map(([name, is]) => `${name === 'general' ? 'General' : 'Audit'}=${is}`);
  const command = `aws mq update-broker --broker-id ${broker.brokerId} --logs ${names.join(',')}`;
  const turnOn = async () => {
    setBusy(true);
    try {
      const path = { 'broker-id': broker.brokerId };
      await answer(api.PUT('/v1/brokers/{broker-id}', { params: { path }, body: { logs: wanted } }));
      flash.done(isRabbit ? words.turnedOn[log] : words.turnedOnReboot[log]);
      await client.invalidateQueries({ queryKey: [keys.broker, broker.brokerId] });
    } catch (error) {
      flash.failed(words.turnOnFailed, error);
    }
    setBusy(false);
  };
  return (
    <Alert
      type="info"
      header={words.offTitle[log]}
      action={
        isPending ? undefined : (
          <Button loading={isBusy} onClick={turnOn}>
            {words.turnOn}
          </Button>
        )
      }
    >
      {isPending ? (
        words.pending
      ) : (
        <SpaceBetween size="xs">
          <Box>
            {words.offHelp[log]} {isRabbit ? words.offAtOnce : words.offReboot}
          </Box>
          <Box>
            {words.command} <CopyText value={command} label={words.command} />
          </Box>
        </SpaceBetween>
      )}
    </Alert>
  );
}
