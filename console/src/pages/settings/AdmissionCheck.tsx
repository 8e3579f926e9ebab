import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { type Admission, admission, isAddress, protocolsOf } from '../../model/admission';
import { text } from '../../text';
import type { Broker, Group } from './queries';
import { portsText } from './rules';

const t = text.settings.network;

function because(outcome: Admission): string {
  if (!outcome.isAdmitted) return t.byNothing;
  if (outcome.why === 'NO_GROUPS') return t.byNoGroup;
  return t.byRule(outcome.group.name, portsText(outcome.rule), outcome.rule.cidr);
}

/** Says for an address which endpoints of the broker let it in, and by which rule. */
export function AdmissionCheck({ broker, groups }: { broker: Broker; groups: Group[] | undefined }) {
  const [address, setAddress] = useState('');
  const asked = address.trim();
  const isRight = isAddress(asked);
  const defined = (groups ?? []).filter(({ securityGroupId }) => broker.securityGroups.includes(securityGroupId));
  const rows =
    isRight && groups
      ? protocolsOf(broker).map((one) => ({ ...one, outcome: admission(defined, asked, one.ports) }))
      : [];
  return (
    <Container
      header={
        <Header variant="h2" description={t.checkHelp}>
          {t.check}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField
          label={t.address}
          constraintText={t.addressHelp}
          errorText={asked && !isRight ? t.notAnAddress : undefined}
        >
          <Input
            value={address}
            onChange={({ detail }) => setAddress(detail.value)}
            placeholder="192.0.2.7"
            autoComplete={false}
            spellcheck={false}
          />
        </FormField>
        {rows.length ? (
          <div aria-live="polite">
            <Table
              variant="embedded"
              wrapLines
              ariaLabels={{ tableLabel: t.check }}
              items={rows}
              trackBy="protocol"
              columnDefinitions={[
                {
                  id: 'protocol',
                  header: t.endpoint,
                  isRowHeader: true,
                  minWidth: 120,
                  cell: ({ protocol }) => protocol,
                },
                { id: 'ports', header: t.standardPort, minWidth: 110, cell: ({ ports }) => ports.join(', ') },
                {
                  id: 'verdict',
                  header: t.verdict,
                  minWidth: 90,
                  cell: ({ outcome }) => (
                    <StatusIndicator type={outcome.isAdmitted ? 'success' : 'error'}>
                      {outcome.isAdmitted ? t.yes : t.no}
                    </StatusIndicator>
                  ),
                },
                { id: 'why', header: t.because, minWidth: 180, cell: ({ outcome }) => because(outcome) },
              ]}
            />
          </div>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}
