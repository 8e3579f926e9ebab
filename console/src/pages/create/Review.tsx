// Step 4: everything at a glance.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type Draft, hasSecurityGroups, listOf, usersOf } from '../../model/create/draft';
import { type Step, STEPS } from '../../model/create/problems';
import { text } from '../../text';
import { useForm } from './form';

export function Review({ onEdit }: { onEdit: (step: Step) => void }) {
  const { draft } = useForm();
  const parts: [Step, { label: string; value: string }[]][] = [
    ['ENGINE', [{ label: text.create.engine, value: text.create.engines[draft.engineType] }]],
    [
      'DEPLOYMENT',
      [
        { label: text.create.deployment, value: text.create.modes[draft.deploymentMode] },
        { label: text.create.storage, value: text.create.storages[draft.storageType] },
      ],
    ],
    ['SETTINGS', settings(draft)],
  ];
  return (
    <SpaceBetween size="l">
      {parts.map(([step, items]) => (
        <Container
          key={step}
          header={
            <Header
              variant="h2"
              actions={
                <Button ariaLabel={text.create.editStep(text.create.steps[step])} onClick={() => onEdit(step)}>
                  {text.create.edit}
                </Button>
              }
            >
              {`${text.create.stepNumber(STEPS.indexOf(step) + 1)}: ${text.create.steps[step]}`}
            </Header>
          }
        >
          <KeyValuePairs
            columns={3}
            items={items.map(({ label, value }) => ({ label, value: <Box>{value || text.common.none}</Box> }))}
          />
        </Container>
      ))}
    </SpaceBetween>
  );
}

function settings(draft: Draft): { label: string; value: string }[] {
  const isActiveMq = draft.engineType === 'ACTIVEMQ';
  const isLdap = isActiveMq && draft.authenticationStrategy === 'LDAP';
  const yes = (condition: boolean) => (condition ? text.common.yes : text.common.no);
  const chosen = draft.chosenConfiguration;
  const access = isLdap
    ? { label: text.create.authentication, value: `${text.create.ldap}: ${draft.ldap.hosts}` }
    : {
        label: text.create.users,
        value: usersOf(draft)
          .map(({ username }) => username)
          .join(', '),
      };
  const tags = draft.tags.filter(({ key }) => key).map(({ key, value }) => `${key} = ${value}`);
  return [
    { label: text.create.name, value: draft.brokerName },
    { label: text.create.version, value: draft.engineVersion },
    { label: text.create.instanceType, value: draft.hostInstanceType },
    ...(draft.storageSize ? [{ label: text.create.storageSize, value: draft.storageSize }] : []),
    access,
    {
      label: text.create.configuration,
      value: chosen ? `${chosen.id}, ${text.create.revision} ${chosen.revision}` : text.create.configurationDefault,
    },
    { label: text.create.generalLogs, value: yes(draft.generalLogs) },
    ...(isActiveMq ? [{ label: text.create.auditLogs, value: yes(draft.auditLogs) }] : []),
    { label: text.create.access, value: draft.publiclyAccessible ? text.create.public : text.create.private },
    {
      label: text.create.securityGroups,
      value: hasSecurityGroups(draft) ? draft.securityGroups.join(', ') || text.create.byDefault : '',
    },
    { label: text.create.subnets, value: listOf(draft.subnetIds).join(', ') || text.create.byDefault },
    {
      label: text.create.encryption,
      value: draft.encryption === 'CUSTOMER' ? draft.kmsKeyId : text.create.encryptions[draft.encryption],
    },
    { label: text.create.autoUpgrade, value: yes(draft.autoMinorVersionUpgrade) },
    { label: text.create.window, value: windowOf(draft) },
    { label: text.create.tags, value: tags.join(', ') },
  ];
}

function windowOf(draft: Draft): string {
  if (draft.window === 'SERVICE') return text.create.windowService;
  const day = text.create.days[draft.dayOfWeek as keyof typeof text.create.days];
  return `${day}, ${draft.timeOfDay} ${draft.timeZone}`;
}
