// Tags: keys with values.

/** What has to be set and what has to be taken away, so that tags become others. */
export function tagChanges(
  before: Record<string, string>,
  after: Record<string, string>,
): { set: Record<string, string>; removed: string[] } {
  const set = Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value));
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  return { set, removed };
}
