// What the operator administers, in tabs that are in the address.
import Alert from '@cloudscape-design/components/alert';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import type { ComponentType } from 'react';
import { useLocation, useParams } from 'wouter';
import { useSession } from '../../api/session';
import { NotFound } from '../../shared/NotFound';
import { text } from '../../text';
import { Accounts } from './Accounts';
import { Capacity } from './Capacity';
import { Certificates } from './Certificates';
import { Health } from './Health';
import { Versions } from './Versions';

const TABS: [keyof typeof text.operator.tabs, ComponentType][] = [
  ['accounts', Accounts],
  ['capacity', Capacity],
  ['versions', Versions],
  ['health', Health],
  ['certificates', Certificates],
];

export default function Page() {
  const session = useSession();
  const { tab = 'accounts' } = useParams<{ tab?: string }>();
  const [, navigate] = useLocation();
  const found = TABS.find(([id]) => id === tab);
  if (!found) return <NotFound what={text.shell.pageMissing} />;
  const [active, Content] = found;
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={text.operator.intro}>
          {text.operator.title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {session.isOperator ? null : <Alert type="info">{text.operator.notOperator}</Alert>}
        <Tabs
          activeTabId={active}
          onChange={({ detail }) => navigate(`/operator/${detail.activeTabId}`)}
          tabs={TABS.map(([id]) => ({
            id,
            label: text.operator.tabs[id],
            content: id === active ? <Content /> : null,
          }))}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}
