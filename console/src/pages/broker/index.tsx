// The page of a broker: header, what is wrong or waits, and its parts as tabs that are in the address.
import ContentLayout from '@cloudscape-design/components/content-layout';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { type ComponentType, lazy, type LazyExoticComponent, Suspense, useEffect } from 'react';
import { useLocation, useParams } from 'wouter';
import type { Schemas } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useFlash } from '../../shell/flash';
import { useTellName } from '../../shell/pageName';
import { Loading } from '../../shared/Loading';
import { NotFound } from '../../shared/NotFound';
import { PageBoundary } from '../../shared/PageBoundary';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import { Banners } from './Banners';
import { BrokerHeader } from './BrokerHeader';
import { useBroker, useInspection } from './queries';

type Broker = Schemas['DescribeBrokerResponse'];
type Part = LazyExoticComponent<ComponentType<{ broker: Broker }>>;

/** The tabs by their names in the address. */
const PARTS: [string, (broker: Broker) => string, Part][] = [
  ['overview', () => text.broker.tabs.overview, lazy(() => import('./Overview'))],
  ['connections', () => text.broker.tabs.connections, lazy(() => import('./Connections'))],
  [
    'queues',
    ({ engineType }) => (engineType === 'RabbitMQ' ? text.broker.tabs.queuesOnly : text.broker.tabs.queues),
    lazy(() => import('../monitoring/Destinations')),
  ],
  ['monitoring', () => text.broker.tabs.monitoring, lazy(() => import('../monitoring/Monitoring'))],
  ['logs', () => text.broker.tabs.logs, lazy(() => import('../monitoring/Logs'))],
  ['users', () => text.broker.tabs.users, lazy(() => import('./Users'))],
  ['settings', () => text.broker.tabs.settings, lazy(() => import('../settings/Settings'))],
  ['network', () => text.broker.tabs.network, lazy(() => import('../settings/Network'))],
  ['tags', () => text.broker.tabs.tags, lazy(() => import('../settings/Tags'))],
  ['report', () => text.broker.tabs.report, lazy(() => import('../monitoring/Report'))],
  ['faults', () => text.broker.tabs.faults, lazy(() => import('../settings/Faults'))],
  ['danger', () => text.broker.tabs.danger, lazy(() => import('../settings/Danger'))],
];
const FIRST = 'overview';

export default function BrokerPage() {
  const { id = '' } = useParams();
  // What is open or entered belongs to one broker.
  return <OneBroker key={id} id={id} />;
}

function OneBroker({ id }: { id: string }) {
  const { data: broker, error, refetch } = useBroker(id);
  useDeletion(broker, error);
  useTellName(broker?.brokerName);
  if (error instanceof ApiError && error.status === 404) return <NotFound what={text.broker.missing} />;
  if (!broker) return error ? <Problem error={error} onRetry={() => void refetch()} /> : <Loading />;
  return <Parts broker={broker} />;
}

/** Leaves the page when the deletion that was seen here has ended. */
function useDeletion(broker: Broker | undefined, error: unknown): void {
  const [, navigate] = useLocation();
  const { done } = useFlash();
  const isGone = error instanceof ApiError && error.status === 404;
  const name = broker?.brokerState === 'DELETION_IN_PROGRESS' ? broker.brokerName : undefined;
  useEffect(() => {
    if (!isGone || !name) return;
    done(text.broker.remove.gone(name));
    navigate('/');
  }, [isGone, name, done, navigate]);
}

function Parts({ broker }: { broker: Broker }) {
  const { id = '', tab = FIRST } = useParams();
  const [, navigate] = useLocation();
  const { data: inspection } = useInspection(id, broker.brokerState);
  const address = (name: string) => `/brokers/${id}${name === FIRST ? '' : `/${name}`}`;
  const isKnown = PARTS.some(([name]) => name === tab);
  return (
    <ContentLayout
      header={
        <SpaceBetween size="m">
          <BrokerHeader broker={broker} />
          <Banners broker={broker} inspection={inspection} />
        </SpaceBetween>
      }
    >
      <Tabs
        ariaLabel={text.broker.tabs.label}
        i18nStrings={{ scrollLeftAriaLabel: text.broker.tabs.left, scrollRightAriaLabel: text.broker.tabs.right }}
        activeTabId={isKnown ? tab : FIRST}
        onChange={({ detail }) => navigate(address(detail.activeTabId))}
        tabs={PARTS.map(([name, label, Page]) => ({
          id: name,
          label: label(broker),
          href: `/console${address(name)}`,
          // Only the part that is shown is loaded, and it asks for its data anew when it is shown again.
          content:
            name === tab || (!isKnown && name === FIRST) ? (
              <PageBoundary key={name}>
                <Suspense fallback={<Loading />}>
                  <Page broker={broker} />
                </Suspense>
              </PageBoundary>
            ) : null,
        }))}
      />
    </ContentLayout>
  );
}
