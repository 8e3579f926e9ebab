// The decisions of a simulation, each with the statement that decides.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useCollection } from '@cloudscape-design/collection-hooks';
import { useState } from 'react';
import { offsetOf } from '../../model/place';
import { indented } from '../../model/policy';
import { Editor } from '../../shared/editor/Editor';
import { text } from '../../text';
import type { Decision } from './iam';

const words = text.account.simulator;
const TYPES: Record<Decision['decision'], StatusIndicatorProps.Type> = {
  allowed: 'success',
  explicitDeny: 'error',
  implicitDeny: 'stopped',
};

interface Props {
  decisions: Decision[];
  documents: Map<string, string>;
  /** Adds condition keys to the question. */
  onAddKeys: (keys: string[]) => void;
}

export function Decisions({ decisions, documents, onAddKeys }: Props) {
  const [shown, setShown] = useState<Decision['matched'][number]>();
  const missing = [...new Set(decisions.flatMap((one) => one.missing))];
  const allowed = decisions.filter(({ decision }) => decision === 'allowed').length;
  const { items, collectionProps, paginationProps } = useCollection(decisions, {
    pagination: { pageSize: 25 },
    sorting: {},
  });
  return (
    <SpaceBetween size="m">
      {missing.length ? (
        <Alert type="info" action={<Button onClick={() => onAddKeys(missing)}>{words.contextAdd}</Button>}>
          {words.missing(missing.join(', '))}
        </Alert>
      ) : null}
      <Table
        {...collectionProps}
        items={items}
        enableKeyboardNavigation
        header={
          <Header variant="h2" description={words.summary(allowed, decisions.length)}>
            {words.results}
          </Header>
        }
        pagination={
          decisions.length > 25 ? (
            <Pagination
              {...paginationProps}
              ariaLabels={{
                nextPageLabel: text.configurations.pages.next,
                previousPageLabel: text.configurations.pages.previous,
                pageLabel: text.configurations.pages.page,
              }}
            />
          ) : undefined
        }
        columnDefinitions={[
          {
            id: 'action',
            header: words.action,
            isRowHeader: true,
            sortingField: 'action',
            minWidth: 200,
            cell: ({ action }) => action,
          },
          { id: 'resource', header: words.resource, minWidth: 160, cell: ({ resource }) => resource },
          {
            id: 'decision',
            header: words.decision,
            sortingField: 'decision',
            minWidth: 200,
            cell: ({ decision, isWithinBoundary }) => (
              <>
                <StatusIndicator type={TYPES[decision]}>{words.decisions[decision]}</StatusIndicator>
                {isWithinBoundary === false ? <Box variant="small">{words.boundary}</Box> : null}
              </>
            ),
          },
          {
            id: 'statement',
            header: words.statement,
            minWidth: 220,
            cell: ({ matched: [by] }) =>
              by ? (
                <Button variant="inline-link" onClick={() => setShown(by)}>
                  {by.start ? words.at(by.policy, by.start.line) : by.policy}
                </Button>
              ) : (
                words.none
              ),
          },
        ]}
      />
      {shown ? (
        <Modal
          visible
          size="large"
          header={shown.policy}
          closeAriaLabel={text.common.close}
          onDismiss={() => setShown(undefined)}
        >
          <Statement matched={shown} document={documents.get(shown.policy)} />
        </Modal>
      ) : null}
    </SpaceBetween>
  );
}

function Statement({ matched, document }: { matched: Decision['matched'][number]; document: string | undefined }) {
  if (document === undefined || !matched.start || !matched.end) return <Box>{words.noText}</Box>;
  const from = offsetOf(document, matched.start.line, matched.start.column);
  const to = offsetOf(document, matched.end.line, matched.end.column);
  const statement = document.slice(from, document[to] === '}' ? to + 1 : to);
  return (
    <Editor label={words.statement} language={{ kind: 'policy' }} value={indented(statement)} isReadOnly lines={20} />
  );
}
