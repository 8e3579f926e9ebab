// What a broker is, as Amazon MQ shows it, and what really runs.
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { BrokerStatus } from '../../shared/BrokerStatus';
import { CopyText } from '../../shared/CopyText';
import { RouterLink } from '../../shared/RouterLink';
import { Time } from '../../shared/Time';
import { text } from '../../text';
import { AdvisoriesDialog } from './AdvisoriesDialog';
import { useEngineVersions } from './queries';

type Broker = Schemas['DescribeBrokerResponse'];
type Inspection = Schemas['InspectBrokerResponse'];

const { details } = text.broker;
const AVAILABILITY: Record<string, StatusIndicatorProps.Type> = {
  AVAILABLE: 'success',
  UNAVAILABLE: 'error',
  UNKNOWN: 'warning',
};

interface Props {
  broker: Broker;
  inspection: Inspection | undefined;
}

export function Details({ broker, inspection }: Props) {
  return (
    <Container header={<Header variant="h2">{details.title}</Header>}>
      <KeyValuePairs columns={3} minColumnWidth={150} items={[...identity(broker, inspection), ...shape(broker)]} />
    </Container>
  );
}

function identity(broker: Broker, inspection: Inspection | undefined): KeyValuePairsProps.Pair[] {
  const availability = inspection?.availability;
  return [
    { label: details.status, value: <BrokerStatus state={broker.brokerState} /> },
    {
      label: details.availability,
      value: availability ? (
        <StatusIndicator type={AVAILABILITY[availability] ?? 'info'}>
          {details.availabilities[availability] ?? availability}
        </StatusIndicator>
      ) : (
        text.common.none
      ),
    },
    { label: details.engine, value: `${broker.engineType} ${broker.engineVersion}` },
    { label: details.running, value: <Running broker={broker} inspection={inspection} /> },
    { label: details.id, value: <CopyText value={broker.brokerId} label={details.id} /> },
    { label: details.arn, value: <CopyText value={broker.brokerArn} label={details.arn} /> },
  ];
}

/** The exact version, and what is known against it. */
function Running({ broker, inspection }: Props) {
  const running = inspection?.running;
  if (!running) return inspection ? details.notRunning : text.common.none;
  return (
    <>
      <div>
        {`${broker.engineType} ${running.fullVersion}`}
        {running.standsIn ? ` (${details.standsIn(broker.engineVersion)})` : ''}
      </div>
      <Box color="text-body-secondary" fontSize="body-s">
        {running.image}
      </Box>
      <Advisories broker={broker} running={running} />
    </>
  );
}

function Advisories({ broker, running }: { broker: Broker; running: Schemas['RunningEngineView'] }) {
  const { data } = useEngineVersions();
  const [isOpen, setOpen] = useState(false);
  const engine = broker.engineType.toUpperCase();
  // Advisories are those of the image behind the version, which is the running one unless it was replaced since.
  const version = data?.engineVersions.find(
    (one) => one.engineType === engine && one.trueVersion === running.fullVersion && one.image === running.image,
  );
  if (!data) return null;
  const advisories = version?.advisories;
  if (!advisories) return <Box color="text-body-secondary">{details.advisoriesUnknown}</Box>;
  if (!advisories.length) return <StatusIndicator type="success">{details.noAdvisories}</StatusIndicator>;
  return (
    <>
      <Link onFollow={() => setOpen(true)}>{`${advisories.length} ${details.advisories.toLowerCase()}`}</Link>
      {isOpen && version ? <AdvisoriesDialog version={version} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function shape(broker: Broker): KeyValuePairsProps.Pair[] {
  const { encryptionOptions, maintenanceWindowStartTime: window, configurations } = broker;
  const size = broker.storageSize ? `, ${details.storageSize(broker.storageSize)}` : '';
  const day = window.dayOfWeek.charAt(0) + window.dayOfWeek.slice(1).toLowerCase();
  return [
    { label: details.mode, value: text.broker.modes[broker.deploymentMode] ?? broker.deploymentMode },
    { label: details.type, value: broker.hostInstanceType },
    { label: details.storage, value: `${details.storages[broker.storageType] ?? broker.storageType}${size}` },
    { label: details.encryption, value: encryptionOptions.kmsKeyId ?? details.ownKey },
    {
      label: details.configuration,
      value: configurations.current ? (
        <RouterLink href={`/configurations/${configurations.current.id}`}>
          {details.revision(configurations.current.revision)}
        </RouterLink>
      ) : (
        text.common.none
      ),
    },
    {
      label: details.authentication,
      value: details.authentications[broker.authenticationStrategy] ?? broker.authenticationStrategy,
    },
    { label: details.access, value: broker.publiclyAccessible ? details.public : details.private },
    { label: details.window, value: details.windowAt(day, window.timeOfDay, window.timeZone || 'UTC') },
    { label: details.upgrades, value: broker.autoMinorVersionUpgrade ? details.upgradesOn : details.upgradesOff },
    { label: details.created, value: <Time value={broker.created} /> },
  ];
}
