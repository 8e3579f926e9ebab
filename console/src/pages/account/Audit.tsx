// The audit trail: every call of the account, and what brokerd did on its own.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Modal from '@cloudscape-design/components/modal';
import Pagination from '@cloudscape-design/components/pagination';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useSession } from '../../api/session';
import { errorOf } from '../../model/auditEvent';
import { indented } from '../../model/policy';
import { CopyText } from '../../shared/CopyText';
import { download } from '../../shared/download';
import { Editor } from '../../shared/editor/Editor';
import { Problem } from '../../shared/Problem';
import { Time } from '../../shared/Time';
import { usePages } from '../../shared/usePages';
import { text } from '../../text';
import { ATTRIBUTES, type AuditEvent, type Filter, lookUp, PERIODS } from './auditTrail';

const words = text.account.audit;

export default function Audit() {
  const { accountId, region } = useSession();
  const [entered, setEntered] = useState<Filter>({ value: '', period: 'day' });
  const [filter, setFilter] = useState<Filter>(entered);
  const [shown, setShown] = useState<AuditEvent>();
  const queries = useQueryClient();
  const queryKey = ['audit', accountId, region, filter];
  const { items, query, pagination } = usePages(queryKey, (token) => lookUp(filter, token));
  const apply = (event: FormEvent) => {
    event.preventDefault();
    const isNew = JSON.stringify(entered) !== JSON.stringify(filter);
    if (isNew) setFilter(entered);
    else void queries.invalidateQueries({ queryKey });
  };
  const isReadOnly = entered.attribute === 'ReadOnly';
  return (
    <SpaceBetween size="m">
      <form onSubmit={apply}>
        <ColumnLayout columns={4}>
          <FormField label={words.period}>
            <Select
              selectedOption={{ value: entered.period, label: words.periods[entered.period] }}
              options={PERIODS.map((value) => ({ value, label: words.periods[value] }))}
              onChange={({ detail }) =>
                setEntered({ ...entered, period: detail.selectedOption.value as Filter['period'] })
              }
            />
          </FormField>
          <FormField label={words.attribute}>
            <Select
              selectedOption={
                entered.attribute
                  ? { value: entered.attribute, label: words.attributes[entered.attribute] }
                  : { value: '', label: words.any }
              }
              options={[
                { value: '', label: words.any },
                ...ATTRIBUTES.map((value) => ({ value, label: words.attributes[value] })),
              ]}
              onChange={({ detail }) => {
                const attribute = ATTRIBUTES.find((one) => one === detail.selectedOption.value);
                setEntered({ ...entered, attribute, value: attribute === 'ReadOnly' ? 'false' : '' });
              }}
            />
          </FormField>
          <FormField label={words.value}>
            {isReadOnly ? (
              <Select
                selectedOption={{ value: entered.value, label: words.values[entered.value as 'true' | 'false'] }}
                options={(['true', 'false'] as const).map((value) => ({ value, label: words.values[value] }))}
                onChange={({ detail }) => setEntered({ ...entered, value: detail.selectedOption.value ?? 'false' })}
              />
            ) : (
              <Input
                value={entered.value}
                disabled={!entered.attribute}
                onChange={({ detail }) => setEntered({ ...entered, value: detail.value })}
                autoComplete={false}
              />
            )}
          </FormField>
          <Box padding={{ top: 'xl' }}>
            <Button formAction="submit" disabled={Boolean(entered.attribute) && !entered.value.trim()}>
              {words.apply}
            </Button>
          </Box>
        </ColumnLayout>
      </form>
      {query.error ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Table
          items={items}
          trackBy="id"
          loading={query.isPending}
          loadingText={text.common.loading}
          enableKeyboardNavigation
          header={
            <Header
              variant="h2"
              description={words.intro}
              actions={
                <Button
                  iconName="refresh"
                  ariaLabel={text.common.refresh}
                  loading={query.isFetching && !query.isPending}
                  onClick={() => void queries.invalidateQueries({ queryKey })}
                />
              }
            >
              {words.title}
            </Header>
          }
          pagination={
            <Pagination
              {...pagination}
              ariaLabels={{
                nextPageLabel: text.configurations.pages.next,
                previousPageLabel: text.configurations.pages.previous,
                pageLabel: text.configurations.pages.page,
              }}
            />
          }
          columnDefinitions={[
            {
              id: 'event',
              header: words.event,
              isRowHeader: true,
              minWidth: 180,
              cell: (event) => (
                <Button variant="inline-link" onClick={() => setShown(event)}>
                  {event.name}
                </Button>
              ),
            },
            { id: 'time', header: words.time, minWidth: 210, cell: ({ at }) => <Time value={at} /> },
            { id: 'who', header: words.who, minWidth: 120, cell: ({ who }) => who ?? text.common.none },
            { id: 'result', header: words.result, minWidth: 170, cell: ({ record }) => <Result record={record} /> },
            { id: 'service', header: words.service, minWidth: 190, cell: ({ source }) => source },
            {
              id: 'resources',
              header: words.resources,
              minWidth: 180,
              cell: ({ resources }) => resources.join(', ') || text.common.none,
            },
          ]}
          empty={
            <Box textAlign="center" padding="m">
              <Box variant="strong">{words.empty}</Box>
              <Box color="text-body-secondary">{words.emptyHelp}</Box>
            </Box>
          }
        />
      )}
      {shown ? <Event event={shown} onClose={() => setShown(undefined)} /> : null}
    </SpaceBetween>
  );
}

function Result({ record }: { record: string }) {
  const error = errorOf(record);
  if (!error) return <StatusIndicator type="success">{words.done}</StatusIndicator>;
  return <StatusIndicator type="error">{error}</StatusIndicator>;
}

function Event({ event, onClose }: { event: AuditEvent; onClose: () => void }) {
  const record = indented(event.record);
  return (
    <Modal
      visible
      size="large"
      header={words.detail(event.name)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button
            iconName="download"
            onClick={() => download(`${event.name}-${event.id}.json`, record, 'application/json')}
          >
            {text.configurations.download}
          </Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={3}
          items={[
            { label: words.time, value: <Time value={event.at} /> },
            { label: words.who, value: event.who ?? text.common.none },
            { label: words.attributes.EventId, value: <CopyText value={event.id} label={words.attributes.EventId} /> },
          ]}
        />
        <Editor label={words.record} language={{ kind: 'json' }} value={record} isReadOnly lines={22} />
      </SpaceBetween>
    </Modal>
  );
}
