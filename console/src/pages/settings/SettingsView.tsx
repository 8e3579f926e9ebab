import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { Schemas } from '../../api/client';
import { momentText, nextOpening, openUntil, windowText } from '../../model/maintenanceWindow';
import { LDAP_MEMBERS } from '../../model/pendingChanges';
import { isChangeable } from '../../model/rebootEffect';
import { valueText } from '../../shared/broker/values';
import { CopyText } from '../../shared/CopyText';
import { RouterLink } from '../../shared/RouterLink';
import { Time } from '../../shared/Time';
import { text } from '../../text';
import { Advisories, AdvisoryCount } from './Advisories';
import type { Broker, EngineVersion } from './queries';
import { useNow, viewersZone } from './useNow';

const t = text.settings;

function OnOff({ isOn }: { isOn: boolean }) {
  return <StatusIndicator type={isOn ? 'success' : 'stopped'}>{isOn ? t.on : t.off}</StatusIndicator>;
}

/** Opens the form, which has all sections. `section` tells the buttons apart. */
function Edit({ broker, onEdit, section }: { broker: Broker; onEdit: () => void; section?: string }) {
  const editable = isChangeable(broker.brokerState);
  return (
    <Button
      onClick={onEdit}
      ariaLabel={section ? t.editWhat(section) : undefined}
      disabled={!editable}
      disabledReason={editable ? undefined : t.notChangeable(broker.brokerState)}
    >
      {t.edit}
    </Button>
  );
}

interface SectionProps {
  broker: Broker;
  onEdit: () => void;
}

interface EngineProps {
  broker: Broker;
  running: Schemas['RunningEngineView'] | undefined;
  engine: EngineVersion | undefined;
  onEdit: () => void;
}

function EngineSection({ broker, running, engine, onEdit }: EngineProps) {
  const isCluster = broker.engineType === 'RabbitMQ' && broker.deploymentMode === 'CLUSTER_MULTI_AZ';
  const items: KeyValuePairsProps.Item[] = [
    { label: t.fields.engineVersion, value: `${broker.engineType} ${broker.engineVersion}` },
    {
      label: t.running,
      value: !running ? (
        t.unknown
      ) : (
        <>
          {running.fullVersion}
          {running.standsIn ? <Box variant="small">{t.standsIn(broker.engineVersion)}</Box> : null}
        </>
      ),
    },
    { label: t.runningSince, value: running ? <Time value={running.since} /> : text.common.none },
    { label: t.fields.hostInstanceType, value: broker.hostInstanceType },
    ...(isCluster ? [{ label: t.fields.storageSize, value: valueText('storageSize', broker.storageSize ?? 0) }] : []),
    { label: t.fields.autoMinorVersionUpgrade, value: <OnOff isOn={broker.autoMinorVersionUpgrade} /> },
    { label: t.advisories, value: <AdvisoryCount engine={engine} /> },
  ];
  return (
    <Container
      header={
        <Header variant="h2" actions={<Edit broker={broker} onEdit={onEdit} />}>
          {t.engineAndSize}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs columns={3} items={items} />
        <Advisories engine={engine} />
      </SpaceBetween>
    </Container>
  );
}

function ConfigurationLink(props: { reference: Schemas['ConfigurationIdView']; names: Map<string, string> }) {
  const { reference, names } = props;
  const { id, revision } = reference;
  return <RouterLink href={`/configurations/${id}`}>{t.revisionOf(names.get(id) ?? id, revision)}</RouterLink>;
}

function ConfigurationSection({ broker, names, onEdit }: SectionProps & { names: Map<string, string> }) {
  const { current, pending, history } = broker.configurations;
  const former = history.map((reference, at) => ({ ...reference, at })).reverse();
  return (
    <Container
      header={
        <Header variant="h2" actions={<Edit broker={broker} onEdit={onEdit} section={t.configuration} />}>
          {t.configuration}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={2}
          items={[
            {
              label: t.currentConfiguration,
              value: current ? <ConfigurationLink reference={current} names={names} /> : t.noConfiguration,
            },
            {
              label: t.pendingConfiguration,
              value: pending ? <ConfigurationLink reference={pending} names={names} /> : text.common.none,
            },
          ]}
        />
        <Table
          variant="embedded"
          header={
            <Header
              variant="h3"
              counter={former.length ? t.pendingCount(former.length) : undefined}
              description={t.appliedBeforeHelp}
            >
              {t.appliedBefore}
            </Header>
          }
          ariaLabels={{ tableLabel: t.appliedBefore }}
          items={former}
          trackBy={({ at }) => String(at)}
          empty={t.appliedBeforeEmpty}
          columnDefinitions={[
            {
              id: 'configuration',
              header: t.configuration,
              isRowHeader: true,
              cell: ({ id }) => <RouterLink href={`/configurations/${id}`}>{names.get(id) ?? id}</RouterLink>,
            },
            { id: 'revision', header: t.revision, cell: ({ revision }) => revision },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}

function MaintenanceSection({ broker, onEdit }: SectionProps) {
  const now = useNow(30_000);
  const window = broker.maintenanceWindowStartTime;
  const [zone, own] = [window.timeZone, viewersZone()];
  const opens = nextOpening(window, now);
  const until = openUntil(window, now);
  const items: KeyValuePairsProps.Item[] = [
    {
      label: t.inBrokerZone(zone),
      value:
        opens === undefined
          ? valueText('maintenanceWindow', `${window.dayOfWeek} ${window.timeOfDay}`)
          : windowText(opens, zone),
    },
    { label: t.inYourZone(own), value: opens === undefined ? text.common.none : windowText(opens, own) },
    {
      label: until === undefined ? t.nextWindow : t.openNow,
      value:
        until !== undefined
          ? t.windowIsOpen(momentText(until, own))
          : opens === undefined
            ? text.common.none
            : momentText(opens, own),
    },
  ];
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={t.windowHelp}
          actions={<Edit broker={broker} onEdit={onEdit} section={t.maintenance} />}
        >
          {t.maintenance}
        </Header>
      }
    >
      <KeyValuePairs columns={3} items={items} />
    </Container>
  );
}

function LogsSection({ broker, onEdit }: SectionProps) {
  const { general, audit, generalLogGroup, auditLogGroup } = broker.logs;
  return (
    <Container
      header={
        <Header variant="h2" actions={<Edit broker={broker} onEdit={onEdit} section={t.logs} />}>
          {t.logs}
        </Header>
      }
    >
      <KeyValuePairs
        columns={2}
        items={[
          { label: t.fields.generalLogs, value: <OnOff isOn={general} /> },
          { label: t.logGroup, value: <CopyText value={generalLogGroup} label={t.logGroup} /> },
          ...(auditLogGroup === undefined
            ? []
            : [
                { label: t.fields.auditLogs, value: <OnOff isOn={audit ?? false} /> },
                { label: t.logGroup, value: <CopyText value={auditLogGroup} label={t.logGroup} /> },
              ]),
        ]}
      />
    </Container>
  );
}

function AuthenticationSection({ broker, onEdit }: SectionProps) {
  const ldap = broker.ldapServerMetadata;
  const directory = ldap
    ? LDAP_MEMBERS.map((member) => {
        const value = ldap[member];
        const shown = Array.isArray(value) ? value.join(', ') : value;
        return { label: t.ldap[member], value: valueText(`ldap.${member}`, shown) };
      })
    : [];
  const strategy = broker.authenticationStrategy;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={t.authenticationHelp}
          actions={<Edit broker={broker} onEdit={onEdit} section={t.authentication} />}
        >
          {t.authentication}
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        items={[{ label: t.fields.authenticationStrategy, value: t.strategies[strategy] ?? strategy }, ...directory]}
      />
    </Container>
  );
}

/** The settings as they are in force. */
export function SettingsView(props: EngineProps & { names: Map<string, string> }) {
  const { broker, names, onEdit } = props;
  return (
    <SpaceBetween size="l">
      <EngineSection {...props} />
      <ConfigurationSection broker={broker} names={names} onEdit={onEdit} />
      <MaintenanceSection broker={broker} onEdit={onEdit} />
      <LogsSection broker={broker} onEdit={onEdit} />
      <AuthenticationSection broker={broker} onEdit={onEdit} />
    </SpaceBetween>
  );
}
