// The account: who may do what, what it uses and costs, what was done.
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import Tabs from '@cloudscape-design/components/tabs';
import { lazy, Suspense } from 'react';
import { useLocation, useParams, useSearchParams } from 'wouter';
import { useSession } from '../../api/session';
import { Loading } from '../../shared/Loading';
import { text } from '../../text';
import { Identities } from './Identities';
import { Policies } from './Policies';

const Simulator = lazy(() => import('./Simulator'));
const Usage = lazy(() => import('./Usage'));
const Audit = lazy(() => import('./Audit'));
const Access = lazy(() => import('./Access'));

const words = text.account;

/** The tabs, in their order. With `?name=` they show one user, group, role or policy. */
const TABS = {
  users: (name: string | undefined) => <Identities kind="user" name={name} />,
  groups: (name: string | undefined) => <Identities kind="group" name={name} />,
  roles: (name: string | undefined) => <Identities kind="role" name={name} />,
  policies: (name: string | undefined) => <Policies arn={name} />,
  simulator: () => <Simulator />,
  usage: () => <Usage />,
  audit: () => <Audit />,
  access: () => <Access />,
} as const;
type Tab = keyof typeof TABS;

export default function Page() {
  const { tab: wanted } = useParams<{ tab?: string }>();
  const [parameters] = useSearchParams();
  const [, navigate] = useLocation();
  const session = useSession();
  const tab: Tab = wanted && Object.hasOwn(TABS, wanted) ? (wanted as Tab) : 'users';
  const name = parameters.get('name') ?? undefined;
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={words.intro(session.accountName ?? '', session.accountId)}>
          {words.title}
        </Header>
      }
    >
      <Tabs
        i18nStrings={text.configurations.scroll}
        activeTabId={tab}
        ariaLabel={words.title}
        onChange={({ detail }) => navigate(`/account/${detail.activeTabId}`)}
        tabs={(Object.keys(TABS) as Tab[]).map((id) => ({
          id,
          label: words.tabs[id],
          content: id === tab ? <Suspense fallback={<Loading />}>{TABS[id](name)}</Suspense> : null,
        }))}
      />
    </ContentLayout>
  );
}
