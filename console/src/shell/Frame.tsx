// The frame around every page: top bar, navigation, breadcrumbs, messages.
import AppLayout from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import Button from '@cloudscape-design/components/button';
import type { FlashbarProps } from '@cloudscape-design/components/flashbar';
import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import { type MouseEvent, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { Route as Match, Switch, useLocation } from 'wouter';
import { useSession } from '../api/session';
import { Loading } from '../shared/Loading';
import { NotFound } from '../shared/NotFound';
import { PageBoundary } from '../shared/PageBoundary';
import { text } from '../text';
import { Flashes, useFlash } from './flash';
import { useLive } from './live';
import { type Match as Matched, match } from './match';
import { useToldName } from './pageName';
import { routes } from './routes';
import { TopBar } from './TopBar';

const BASE = '/console';
/** Text is hard to read on wider pages, and forms look lost. */
const MAX_WIDTH = 1600;
/** From this width on the navigation is beside the page, in pixels. */
const NAVIGATION_FROM = 900;

interface Props {
  /** The session has ended: the page is kept, unseen. */
  isEnded: boolean;
  onLeave: (why?: string) => void;
  onEnd: () => void;
  onRegion: (region: string) => void;
}

export function Frame({ isEnded, onLeave, onEnd, onRegion }: Props) {
  const session = useSession();
  const [location, navigate] = useLocation();
  const [isOpen, setOpen] = useState(window.innerWidth >= NAVIGATION_FROM);
  const onVersion = useVersion(session.version);
  const isConnected = useLive({ region: session.region, isEnabled: !isEnded, onSignedOut: onEnd, onVersion });
  const found = match(location, routes);
  useArrival(found);
  useEffect(withoutOrientation, []);

  const follow = useCallback(
    (event: CustomEvent<{ href?: string | undefined; external?: boolean | undefined }>) => {
      const { href, external } = event.detail;
      if (!href?.startsWith(BASE) || external) return;
      event.preventDefault();
      navigate(href.slice(BASE.length) || '/');
    },
    [navigate],
  );
  // Links inside of pages go through the router, unless the person wants a tab of its own.
  const followClick = (event: MouseEvent) => {
    const link = (event.target as Element).closest('a');
    const href = link?.getAttribute('href');
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!href?.startsWith(`${BASE}/`) || link?.target === '_blank' || !isPlain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(href.slice(BASE.length));
  };
  const followNavigation: SideNavigationProps['onFollow'] = (event) => {
    follow(event);
    // On a small screen the navigation covers the page.
    if (window.innerWidth < NAVIGATION_FROM) setOpen(false);
  };
  const lost: FlashbarProps.MessageDefinition | undefined = isConnected
    ? undefined
    : { id: 'connection', type: 'warning', content: text.shell.connectionLost };

  return (
    <div onClick={followClick}>
      <a className="skip-link" href="#content" onClick={(event) => (event.preventDefault(), focusContent())}>
        {text.shell.skip}
      </a>
      <div id="top">
        <TopBar follow={follow} onLeave={onLeave} onRegion={onRegion} />
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
            onFollow={followNavigation}
          />
        }
        breadcrumbs={<Breadcrumbs found={found} follow={follow} />}
        notifications={<Flashes first={lost} />}
        stickyNotifications
        maxContentWidth={found?.route.isWide ? Number.MAX_VALUE : MAX_WIDTH}
        content={
          <div id="content" tabIndex={-1}>
            <PageBoundary key={found?.key ?? location}>
              <Suspense fallback={<Loading />}>
                <Switch>
                  {routes.map(({ path, page: Page }) => (
                    <Match key={path} path={path}>
                      <Page key={`${session.region} ${found?.key}`} />
                    </Match>
                  ))}
                  <Match>
                    <NotFound what={text.shell.pageMissing} />
                  </Match>
                </Switch>
              </Suspense>
            </PageBoundary>
          </div>
        }
      />
    </div>
  );
}

/** Says once that the server is another version than the page. */
function useVersion(own: string) {
  const { show } = useFlash();
  return useCallback(
    (version: string) => {
      if (version === own) return;
      show({
        id: 'version',
        type: 'info',
        header: text.shell.otherVersion(version),
        content: text.shell.otherVersionHelp,
        action: <Button onClick={() => window.location.reload()}>{text.shell.load}</Button>,
      });
    },
    [own, show],
  );
}

/**
 * Takes `aria-orientation` from navigations, which ARIA does not permit there. Cloudscape 3.0 sets it on the toolbar of
 * small screens.
 */
function withoutOrientation(): () => void {
  const name = 'aria-orientation';
  const remove = () => document.querySelectorAll(`nav[${name}]`).forEach((nav) => nav.removeAttribute(name));
  const observer = new MutationObserver(remove);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: [name] });
  remove();
  return () => observer.disconnect();
}

function focusContent(): void {
  document.getElementById('content')?.focus({ preventScroll: true });
}

/** Begins another page at its top, and puts the focus there if what had it is gone. */
function useArrival(found: Matched | undefined): void {
  const former = useRef(found?.key);
  useEffect(() => {
    if (former.current === found?.key) return;
    former.current = found?.key;
    window.scrollTo({ top: 0 });
    if (document.activeElement === document.body) focusContent();
  }, [found?.key]);
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

function Breadcrumbs({
  found,
  follow,
}: {
  found: Matched | undefined;
  follow: (event: CustomEvent<{ href: string }>) => void;
}) {
  const [location] = useLocation();
  const name = useToldName();
  const crumbs: { text: string; href: string }[] = [];
  if (found) {
    const parent = routes.find((other) => other.path === found.route.parent);
    if (parent) crumbs.push({ text: parent.title({}), href: `${BASE}${parent.path}` });
    crumbs.push({ text: name ?? found.route.title(found.parameters), href: `${BASE}${location}` });
  } else if (location === '/calculator') {
    crumbs.push({ text: text.calculator.title, href: `${BASE}${location}` });
  }
  const title = crumbs.at(-1)?.text;
  useEffect(() => {
    document.title = title ? `${title} – ${text.shell.product}` : text.shell.product;
  }, [title]);
  return <BreadcrumbGroup ariaLabel={text.shell.breadcrumbs} items={crumbs} onFollow={follow} />;
}
