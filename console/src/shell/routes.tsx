// The pages and their addresses. Each page is loaded when it is needed.
import { type ComponentType, lazy } from 'react';
import { text } from '../text';

export interface Route {
  path: string;
  page: ComponentType;
  /** Begins to load the page; what goes wrong is told when it is shown. */
  load: () => void;
  /** The title of the page, in the tab and the breadcrumbs. */
  title: (parameters: Record<string, string | undefined>) => string;
  /** The path of the page above this one. */
  parent?: string;
  /** Pages that need much width have no margin at the sides. */
  isWide?: boolean;
}

type Load = () => Promise<{ default: ComponentType }>;

function page(load: Load): Pick<Route, 'page' | 'load'> {
  return { page: lazy(load), load: () => void load().catch(() => undefined) };
}

const calculator = page(() => import('../pages/calculator'));
/** The calculator, which needs no account. */
export const Calculator = calculator.page;

export const routes: Route[] = [
  { path: '/', ...page(() => import('../pages/brokers')), title: () => text.brokers.title, isWide: true },
  { path: '/brokers/create', ...page(() => import('../pages/create')), title: () => text.create.title, parent: '/' },
  {
    path: '/brokers/:id/:tab?',
    ...page(() => import('../pages/broker')),
    title: (parameters) => parameters['id'] ?? '',
    parent: '/',
  },
  {
    path: '/configurations',
    ...page(() => import('../pages/configurations')),
    title: () => text.configurations.title,
  },
  {
    path: '/configurations/:id/:tab?',
    ...page(() => import('../pages/configurations/configuration')),
    title: (parameters) => parameters['id'] ?? '',
    parent: '/configurations',
  },
  { path: '/account/:tab?', ...page(() => import('../pages/account')), title: () => text.account.title },
  { path: '/calculator', ...calculator, title: () => text.calculator.title },
  { path: '/operator/:tab?', ...page(() => import('../pages/operator')), title: () => text.operator.title },
];
