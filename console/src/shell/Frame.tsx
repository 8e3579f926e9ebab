// The frame around every page: top bar, navigation, breadcrumbs, messages.
import Alert from '@cloudscape-design/components/alert';
import AppLayout from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TopNavigation from '@cloudscape-design/components/top-navigation';
import { type MouseEvent, Suspense, useCallback, useEffect, useState } from 'react';
import { Route as Match, Switch, useLocation } from 'wouter';
import { signOut, signOutEverywhere, useSession } from '../api/session';
import { Loading } from '../shared/Loading';
import { NotFound } from '../shared/NotFound';
import { PageBoundary } from '../shared/PageBoundary';
import { text } from '../text';
import { Flashes, useFlash } from './flash';
import { useLive } from './live';
import { Calculator, type Route, routes } from './routes';
import { setTheme, type Theme, theme } from './theme';

const BASE = '/console';

interface Props {
  onLeave: (why?: string) => void;
  onRegion: (region: string) => void;
}

export function Frame({ onLeave, onRegion }: Props) {
  const session = useSession();
  const flash = useFlash();
  const [location, navigate] = useLocation();
  const [isOpen, setOpen] = useState(window.innerWidth > 900);
  const [chosen, setChosen] = useState<Theme>(theme());
  const ended = useCallback(() => onLeave(text.shell.sessionEnded), [onLeave]);
  const isConnected = useLive(ended);

  const leave = (how: () => Promise<void>) =>
    how().then(
      () => onLeave(),
      (error: unknown) => flash.failed(text.shell.signOut, error),
    );
  const follow = (event: CustomEvent<{ href?: string | undefined; external?: boolean | undefined }>) => {
    const { href, external } = event.detail;
    if (!href?.startsWith(BASE) || external) return;
    event.preventDefault();
    navigate(href.slice(BASE.length) || '/');
  };
  // Links inside of pages go through the router, unless the person wants a tab of its own.
  const followClick = (event: MouseEvent) => {
    const link = (event.target as Element).closest('a');
    const href = link?.getAttribute('href');
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!href?.startsWith(`${BASE}/`) || link?.target === '_blank' || !isPlain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(href.slice(BASE.length));
  };

  return (
    <div onClick={followClick}>
      <div id="top">
        <TopNavigation
          identity={{ href: `${BASE}/`, title: text.shell.product, onFollow: follow }}
          utilities={[
            {
              type: 'menu-dropdown',
              text: session.region,
              ariaLabel: `${text.shell.region}: ${session.region}`,
              items: session.regions.map((region) => ({ id: region, text: region })),
              onItemClick: ({ detail }) => onRegion(detail.id),
            },
            {
              type: 'menu-dropdown',
              text: session.name,
              description: session.arn,
              iconName: 'user-profile',
              items: [
                {
                  id: 'theme',
                  text: text.shell.theme,
                  items: (['system', 'light', 'dark'] as const).map((id) => ({
                    id,
                    text: text.shell[id],
                    itemType: 'checkbox',
                    checked: chosen === id,
                  })),
                },
                {
                  id: 'docs',
                  text: text.shell.help,
                  href: '/docs',
                  external: true,
                  externalIconAriaLabel: text.common.newTab,
                },
                { id: 'out', text: text.shell.signOut },
                { id: 'everywhere', text: text.shell.signOutEverywhere },
              ],
              onItemClick: ({ detail: { id } }) => {
                if (id === 'out') void leave(signOut);
                else if (id === 'everywhere') void leave(signOutEverywhere);
                else if (id === 'light' || id === 'dark' || id === 'system') {
                  setTheme(id);
                  setChosen(id);
                }
              },
            },
          ]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigationOpen={isOpen}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        ariaLabels={{
          navigation: text.shell.navigation,
          navigationClose: text.common.close,
          navigationToggle: text.shell.navigation,
          notifications: text.shell.notifications,
        }}
        navigation={
          <SideNavigation
            header={{ text: text.shell.product, href: `${BASE}/` }}
            activeHref={`${BASE}${activePath(location)}`}
            items={navigation(session.isOperator)}
            onFollow={follow}
          />
        }
        breadcrumbs={<Breadcrumbs follow={follow} />}
        notifications={
          <SpaceBetween size="xs">
            {isConnected ? null : <Alert type="warning">{text.shell.connectionLost}</Alert>}
            <Flashes />
          </SpaceBetween>
        }
        stickyNotifications
        maxContentWidth={Number.MAX_VALUE}
        content={
          <PageBoundary key={location}>
            <Suspense fallback={<Loading />}>
              <Switch>
                {routes.map(({ path, page: Page }) => (
                  <Match key={path} path={path}>
                    <Page key={session.region} />
                  </Match>
                ))}
                <Match path="/calculator">
                  <Calculator />
                </Match>
                <Match>
                  <NotFound what={text.shell.pageMissing} />
                </Match>
              </Switch>
            </Suspense>
          </PageBoundary>
        }
      />
    </div>
  );
}

function navigation(isOperator: boolean): SideNavigationProps.Item[] {
  const link = (name: string, path: string): SideNavigationProps.Link => ({
    type: 'link',
    text: name,
    href: BASE + path,
  });
  return [
    link(text.brokers.title, '/'),
    link(text.configurations.title, '/configurations'),
    { type: 'divider' },
    link(text.account.title, '/account'),
    link(text.calculator.title, '/calculator'),
    ...(isOperator ? [link(text.operator.title, '/operator')] : []),
  ];
}

/** The entry of the navigation to which a page belongs. */
function activePath(location: string): string {
  const first = location.split('/')[1] ?? '';
  return first === '' || first === 'brokers' ? '/' : `/${first}`;
}

function Breadcrumbs({ follow }: { follow: (event: CustomEvent<{ href: string }>) => void }) {
  const [location] = useLocation();
  const found = match(location);
  const crumbs: { text: string; href: string }[] = [];
  if (found) {
    const [route, parameters] = found;
    const parent = routes.find((other) => other.path === route.parent);
    if (parent) crumbs.push({ text: parent.title({}), href: `${BASE}${parent.path}` });
    crumbs.push({ text: route.title(parameters), href: `${BASE}${location}` });
  }
  const title = crumbs.at(-1)?.text;
  useEffect(() => {
    document.title = title ? `${title} – ${text.shell.product}` : text.shell.product;
  }, [title]);
  return <BreadcrumbGroup ariaLabel={text.shell.breadcrumbs} items={crumbs} onFollow={follow} />;
}

/** The route of an address, with its parameters. */
function match(location: string): [Route, Record<string, string>] | undefined {
  const parts = location.split('/').filter(Boolean);
  for (const route of routes) {
    const names = route.path.split('/').filter(Boolean);
    const required = names.filter((name) => !name.endsWith('?')).length;
    if (parts.length < required || parts.length > names.length) continue;
    const parameters: Record<string, string> = {};
    const fits = parts.every((part, at) => {
      const name = names[at] ?? '';
      if (!name.startsWith(':')) return name === part;
      parameters[name.replace(/^:|\?$/g, '')] = decodeURIComponent(part);
      return true;
    });
    if (fits) return [route, parameters];
  }
  return undefined;
}
