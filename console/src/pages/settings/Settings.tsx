import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMemo, useState } from 'react';
import { RebootDialog } from '../../shared/broker/RebootDialog';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import { PendingCard } from './PendingCard';
import { type Broker, useConfigurations, useEngineVersions, useInspected } from './queries';
import { SettingsForm } from './SettingsForm';
import { SettingsView } from './SettingsView';

const t = text.settings;

/** The settings of a broker: what is in force, what waits, and the form that changes it. */
export default function Settings({ broker }: { broker: Broker }) {
  const [isEditing, setEditing] = useState(false);
  const [isRebooting, setRebooting] = useState(false);
  const configurations = useConfigurations(broker.engineType);
  const engines = useEngineVersions(broker.engineType);
  const inspected = useInspected(broker.brokerId);
  const names = useMemo(
    () => new Map((configurations.data ?? []).map(({ id, name }) => [id, name])),
    [configurations.data],
  );
  const running = inspected.data?.running;
  const engine = engines.data?.find((one) => one.engineVersion === broker.engineVersion);
  const patch = patchText(running, engine, broker);
  if (isEditing) {
    return (
      <SettingsForm
        broker={broker}
        names={names}
        onDone={(wantsReboot) => {
          setEditing(false);
          setRebooting(wantsReboot);
        }}
      />
    );
  }
  return (
    <SpaceBetween size="l">
      {inspected.isError ? <Problem error={inspected.error} onRetry={() => void inspected.refetch()} /> : null}
      <PendingCard broker={broker} names={names} patch={patch} />
      <SettingsView broker={broker} names={names} running={running} engine={engine} onEdit={() => setEditing(true)} />
      {isRebooting ? <RebootDialog broker={broker} names={names} onClose={() => setRebooting(false)} /> : null}
    </SpaceBetween>
  );
}

/** That a reboot brings a newer patch, where no other version waits. */
function patchText(
  running: { fullVersion: string } | undefined,
  engine: { trueVersion: string } | undefined,
  broker: Broker,
): string | undefined {
  if (!running || !engine || broker.pendingEngineVersion !== undefined) return undefined;
  if (running.fullVersion === engine.trueVersion) return undefined;
  return t.newPatch(running.fullVersion, engine.trueVersion);
}
