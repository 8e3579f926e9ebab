// The entry point of the console.
import '@cloudscape-design/global-styles/index.css';
import { I18nProvider } from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { ApiError } from './api/errors';
import { aroundNavigation } from './shared/leave';
import { App } from './shell/App';
import { FlashProvider } from './shell/flash';
import { match } from './shell/match';
import { routes } from './shell/routes';
import './shell/shell.css';
import { applyTheme } from './shell/theme';

applyTheme();
// Beside the question who is signed in, not after it.
match(window.location.pathname.replace(/^\/console/, ''), routes)?.route.load();
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Whether a browser thinks that it has a network says nothing of a server on the same machine.
      networkMode: 'always',
      // What may pass is tried again; a refusal is shown at once.
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.isPassing,
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: 'always' },
  },
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <QueryClientProvider client={client}>
    <I18nProvider locale="en" messages={[messages]}>
      <FlashProvider>
        <Router base="/console" aroundNav={aroundNavigation}>
          <App />
        </Router>
      </FlashProvider>
    </I18nProvider>
  </QueryClientProvider>,
);
