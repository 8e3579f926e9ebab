// All texts of the console. Each area has a chapter of its own file.
import { account } from './account';
import { broker } from './broker';
import { brokers } from './brokers';
import { calculator } from './calculator';
import { common } from './common';
import { configurations } from './configurations';
import { create } from './create';
import { monitoring } from './monitoring';
import { operator } from './operator';
import { settings } from './settings';
import { shell } from './shell';

/** The catalogue: `text.brokers.title`, or a function for a text with values. */
export const text = {
  account,
  broker,
  brokers,
  calculator,
  common,
  configurations,
  create,
  monitoring,
  operator,
  settings,
  shell,
} as const;
