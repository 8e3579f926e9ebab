// What these pages read and write.
import { answer, api, type Schemas } from '../../api/client';
import { decoded, encoded } from '../../model/base64';
import { allPages, type PageOf } from '../../shared/usePages';

export type Configuration = Schemas['DescribeConfigurationResponse'];
export type Summary = Schemas['ConfigurationSummary'];
export type Revision = Schemas['ConfigurationRevisionView'];

/** The most items that the server gives at once. */
export const MAX_ON_A_PAGE = 100;

/** Keys of queries. */
export const keys = {
  list: ['configurations'] as const,
  one: (id: string) => ['configuration', id] as const,
  revisions: (id: string) => ['configuration', id, 'revisions'] as const,
  revision: (id: string, revision: number) => ['configuration', id, 'revision', revision] as const,
  brokers: (id: string) => ['configuration', id, 'brokers'] as const,
};

/** A page of configurations, oldest first. */
export async function readPage(size: number, nextToken?: string): Promise<PageOf<Summary>> {
  const query = { maxResults: size, ...(nextToken ? { nextToken } : {}) };
  const page = await answer(api.GET('/v1/configurations', { params: { query } }));
  // As in the service, only an empty page has no token.
  const isLast = page.configurations.length < size;
  return { items: page.configurations, next: isLast ? undefined : page.nextToken };
}

const ofId = (id: string) => ({ path: { 'configuration-id': id } });

export const describe = (id: string) => answer(api.GET('/v1/configurations/{configuration-id}', { params: ofId(id) }));

/** All revisions, of which there are at most 300, newest first. */
export async function readRevisions(id: string): Promise<Revision[]> {
  const revisions = await allPages<Revision>(async (nextToken) => {
    const query = { maxResults: MAX_ON_A_PAGE, ...(nextToken ? { nextToken } : {}) };
    const path = '/v1/configurations/{configuration-id}/revisions';
    const page = await answer(api.GET(path, { params: { ...ofId(id), query } }));
    const isLast = page.revisions.length < MAX_ON_A_PAGE;
    return { items: page.revisions, next: isLast ? undefined : page.nextToken };
  });
  return revisions.reverse();
}

/** The content of a revision. */
export async function readContent(id: string, revision: number): Promise<string> {
  const path = { 'configuration-id': id, 'configuration-revision': String(revision) };
  const route = '/v1/configurations/{configuration-id}/revisions/{configuration-revision}';
  return decoded((await answer(api.GET(route, { params: { path } }))).data);
}

/** Saves a revision. */
export const save = (id: string, content: string, description: string) =>
  answer(
    api.PUT('/v1/configurations/{configuration-id}', {
      params: ofId(id),
      body: { data: encoded(content), ...(description.trim() ? { description: description.trim() } : {}) },
    }),
  );

export const remove = (id: string) => answer(api.DELETE('/v1/configurations/{configuration-id}', { params: ofId(id) }));

/** The name of a file with a revision. */
export function fileName({ name, engineType }: Configuration, revision: number): string {
  return `${name}-${revision}.${engineType === 'RabbitMQ' ? 'conf' : 'xml'}`;
}
