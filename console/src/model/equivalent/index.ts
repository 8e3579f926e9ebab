// The same request in the languages that people automate with.
import type { CreateBrokerRequest } from '../create/draft';
import { awsCli } from './cli';
import { cloudFormation } from './cloudformation';
import { boto3 } from './python';
import type { Destination } from './request';
import { terraform } from './terraform';

/** The languages, in the order of their tabs. */
export const LANGUAGES = ['cli', 'boto3', 'terraform', 'cloudformation'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The request in a language. Passwords are placeholders, never their values. */
export function equivalent(language: Language, request: CreateBrokerRequest, destination: Destination): string {
  switch (language) {
    case 'cli':
      return awsCli(request, destination);
    case 'boto3':
      return boto3(request, destination);
    case 'terraform':
      return terraform(request, destination);
    case 'cloudformation':
      return cloudFormation(request);
  }
}
