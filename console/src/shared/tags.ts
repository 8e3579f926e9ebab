// Tags of resources of Amazon MQ.
import { answer, api } from '../api/client';
import type { TagChanges } from '../model/tagChanges';

/** Changes the tags of a resource. */
export async function changeTags(arn: string, { set, removed }: TagChanges) {
  const path = { 'resource-arn': arn };
  // First what makes room: a resource may have as many as it can.
  if (removed.length) {
    await answer(api.DELETE('/v1/tags/{resource-arn}', { params: { path, query: { tagKeys: removed } } }));
  }
  if (Object.keys(set).length) {
    await answer(api.POST('/v1/tags/{resource-arn}', { params: { path }, body: { tags: set } }));
  }
}
