// The calculator for whoever has no account.
import AppLayout from '@cloudscape-design/components/app-layout';
import TopNavigation from '@cloudscape-design/components/top-navigation';
import { Suspense, useEffect } from 'react';
import { useLocation } from 'wouter';
import { Loading } from '../shared/Loading';
import { PageBoundary } from '../shared/PageBoundary';
import { text } from '../text';
import { LOGO } from './Brand';
import { Calculator } from './routes';

export function PublicCalculator() {
  const [, navigate] = useLocation();
  useEffect(() => {
    document.title = `${text.calculator.title} – ${text.shell.product}`;
  }, []);
  const toSignIn = (event: Event) => {
    event.preventDefault();
    navigate('/');
  };
  return (
    <>
      <div id="top">
        <TopNavigation
          identity={{
            href: '/console/',
            title: text.shell.product,
            logo: { src: LOGO, alt: text.shell.logo },
            onFollow: toSignIn,
          }}
          utilities={[{ type: 'button', text: text.shell.signIn, href: '/console/', onFollow: toSignIn }]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        navigationHide
        toolsHide
        ariaLabels={{ notifications: text.shell.notifications }}
        content={
          <PageBoundary>
            <Suspense fallback={<Loading />}>
              <Calculator />
            </Suspense>
          </PageBoundary>
        }
      />
    </>
  );
}
