import { alarms } from './monitoring/alarms';
import { destinations } from './monitoring/destinations';
import { graphs } from './monitoring/graphs';
import { logs } from './monitoring/logs';
import { report } from './monitoring/report';

/** The texts of this area. */
export const monitoring = {
  title: 'Monitoring',
  ...graphs,
  alarms,
  destinations,
  logs,
  report,
} as const;
