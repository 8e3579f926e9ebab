import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Drawer, { type DrawerProps } from '@cloudscape-design/components/drawer';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { bytes } from '../../../model/units';
import { Loading } from '../../../shared/Loading';
import { Problem } from '../../../shared/Problem';
import { Time } from '../../../shared/Time';
import { text } from '../../../text';
import type { Broker } from '../graphs/data';
import { type Destination, type Message, useMessages } from './data';
import { MessageBody } from './MessageBody';

const words = text.monitoring.destinations;
const COUNTS = [20, 50, 100].map((count) => ({ value: String(count), label: words.count(count) }));

interface Props {
  broker: Broker;
  of: Destination;
  onClose: () => void;
  onPublish: () => void;
}

/** The messages that wait in a destination, beside the list. */
export function MessagesDrawer({ broker, of, onClose, onPublish }: Props) {
  const [count, setCount] = useState(20);
  const found = useMessages(broker, of, count);
  const messages = found.data?.messages;
  const drawer = useRef<DrawerProps.Ref>(null);
  useEffect(() => {
    const former = document.activeElement;
    drawer.current?.focus();
    return () => (former instanceof HTMLElement ? former.focus() : undefined);
  }, []);
  return (
    <Drawer
      ref={drawer}
      position="fixed"
      placement="end"
      backdrop
      open
      // Above the bar at the top of the page.
      zIndex={2000}
      closeAction={{ ariaLabel: text.common.close }}
      onClose={onClose}
      header={<Header variant="h2">{words.messagesOf(of.name)}</Header>}
    >
      <div className="mon-drawer">
        <SpaceBetween size="m">
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            <Select
              ariaLabel={words.howMany}
              options={COUNTS}
              selectedOption={COUNTS.find(({ value }) => value === String(count)) ?? null}
              onChange={({ detail }) => setCount(Number(detail.selectedOption.value))}
            />
            <Button iconName="refresh" loading={found.isFetching} onClick={() => void found.refetch()}>
              {words.readAgain}
            </Button>
            <Button onClick={onPublish}>{words.publish}</Button>
          </SpaceBetween>
          <Box color="text-body-secondary">{words.notConsumed}</Box>
          {found.data?.marksRedelivered && messages?.length ? <Alert type="info">{words.redeliveredHelp}</Alert> : null}
          {found.error ? <Problem error={found.error} onRetry={() => void found.refetch()} /> : null}
          {found.isPending ? <Loading /> : null}
          {messages?.length === 0 ? (
            <Box textAlign="center" color="text-status-inactive" padding="l">
              {words.noMessages} {of.kind === 'TOPIC' ? words.topicHelp : ''}
            </Box>
          ) : null}
          {messages?.map((message, index) => (
            <OneMessage key={`${found.dataUpdatedAt} ${message.position}`} message={message} isFirst={index === 0} />
          ))}
        </SpaceBetween>
      </div>
    </Drawer>
  );
}

function OneMessage({ message, isFirst }: { message: Message; isFirst: boolean }) {
  const [isOpen, setOpen] = useState(isFirst);
  const { fields } = words;
  const pair = (label: string, value: ReactNode) => ({ label, value: value ?? text.common.none });
  const moment = (at: string | undefined) => (at === undefined ? undefined : <Time value={at} />);
  const yesNo = (is: boolean | undefined) => (is === undefined ? undefined : is ? text.common.yes : text.common.no);
  const properties = Object.entries(message.properties);
  return (
    <ExpandableSection
      variant="container"
      headerText={words.message(message.position, message.messageId)}
      headingTagOverride="h3"
      headerDescription={[bytes(message.size), message.contentType].filter(Boolean).join(', ')}
      expanded={isOpen}
      onChange={({ detail }) => setOpen(detail.expanded)}
    >
      {isOpen ? (
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={3}
            items={[
              pair(fields.messageId, message.messageId),
              pair(fields.correlationId, message.correlationId),
              pair(fields.contentType, message.contentType),
              pair(fields.timestamp, moment(message.timestamp)),
              pair(fields.expiration, moment(message.expiration)),
              pair(fields.priority, message.priority),
              pair(fields.persistent, yesNo(message.persistent)),
              pair(fields.redelivered, yesNo(message.redelivered)),
              pair(fields.size, bytes(message.size)),
            ]}
          />
          <MessageBody message={message} />
          <Table
            variant="borderless"
            contentDensity="compact"
            wrapLines
            header={
              <Header variant="h3" counter={`(${properties.length})`}>
                {words.properties}
              </Header>
            }
            items={properties}
            trackBy={([name]) => name}
            empty={<Box color="text-status-inactive">{words.noProperties}</Box>}
            columnDefinitions={[
              { id: 'name', header: words.property, cell: ([name]) => name, isRowHeader: true },
              { id: 'value', header: words.value, cell: ([, value]) => String(value) },
            ]}
            ariaLabels={{ tableLabel: words.properties }}
          />
        </SpaceBetween>
      ) : null}
    </ExpandableSection>
  );
}
