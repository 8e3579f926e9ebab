import type { Language } from '../../shared/editor/languages';
import type { Configuration } from './data';

/** The language of a configuration's content. */
export function languageOf({ engineType, engineVersion, authenticationStrategy }: Configuration): Language {
  if (engineType === 'RabbitMQ') return { kind: 'rabbitmq', version: engineVersion };
  return { kind: 'activemq', target: { version: engineVersion, strategy: authenticationStrategy } };
}
