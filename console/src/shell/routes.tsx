// The pages and their addresses. Each page is loaded when it is needed.
import { type ComponentType, lazy } from 'react';
import { text } from '../text';

export interface Route {
  path: string;
  page: ComponentType;
  /** The title of the page, in the tab and the breadcrumbs. */
  title: (parameters: Record<string, string | undefined>) => string;
  /** The path of the page above this one. */
  parent?: string;
  /** Pages that need much width have no margin at the sides. */
  isWide?: boolean;
}

/** The calculator, which needs no account. */
export const Calculator = lazy(() => import('../pages/calculator'));

export const routes: Route[] = [
  { path: '/', page: lazy(() => import('../pages/brokers')), title: () => text.brokers.title, isWide: true },
  { path: '/brokers/create', page: lazy(() => import('../pages/create')), title: () => text.create.title, parent: '/' },
  {
    path: '/brokers/:id/:tab?',
    page: lazy(() => import('../pages/broker')),
    title: (parameters) => parameters['id'] ?? '',
    parent: '/',
  },
  {
    path: '/configurations',
    page: lazy(() => import('../pages/configurations')),
    title: () => text.configurations.title,
  },
  {
    path: '/configurations/:id/:tab?',
    page: lazy(() => import('../pages/configurations/configuration')),
    title: (parameters) => parameters['id'] ?? '',
    parent: '/configurations',
  },
  { path: '/account/:tab?', page: lazy(() => import('../pages/account')), title: () => text.account.title },
  { path: '/calculator', page: Calculator, title: () => text.calculator.title },
  { path: '/operator/:tab?', page: lazy(() => import('../pages/operator')), title: () => text.operator.title },
];
