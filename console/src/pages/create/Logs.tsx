// Which logs are published.
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { text } from '../../text';
import { Field, useForm } from './form';

export function Logs() {
  const { draft, change } = useForm();
  return (
    <Container
      header={
        <Header variant="h2" description={text.create.logsHelp}>
          {text.create.logs}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Field attribute="logs">
          <Checkbox
            checked={draft.generalLogs}
            description={text.create.generalLogsHelp}
            onChange={({ detail }) => change({ generalLogs: detail.checked })}
          >
            {text.create.generalLogs}
          </Checkbox>
        </Field>
        {draft.engineType === 'ACTIVEMQ' ? (
          <Field attribute="logs.audit">
            <Checkbox
              checked={draft.auditLogs}
              description={text.create.auditLogsHelp}
              onChange={({ detail }) => change({ auditLogs: detail.checked })}
            >
              {text.create.auditLogs}
            </Checkbox>
          </Field>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}
