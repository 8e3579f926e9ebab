// Tags of resources of Amazon MQ.
import { answer, api } from '../api/client';
import { tagChanges } from '../model/tags';

/** Makes the tags of a resource what they are to be. */
export async function changeTags(arn: string, before: Record<string, string>, after: Record<string, string>) {
  const { set, removed } = tagChanges(before, after);
  const path = { 'resource-arn': arn };
  // First what makes room: a resource may have as many as it can.
  if (removed.length) {
    await answer(api.DELETE('/v1/tags/{resource-arn}', { params: { path, query: { tagKeys: removed } } }));
  }
  if (Object.keys(set).length) {
    await answer(api.POST('/v1/tags/{resource-arn}', { params: { path }, body: { tags: set } }));
  }
}
