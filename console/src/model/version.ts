// Versions of engines.

/** Compares `5.9` and `5.18` by their numbers. */
export function compareVersions(one: string, other: string): number {
  const [ours, theirs] = [one, other].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at += 1) {
    const difference = (ours[at] ?? 0) - (theirs[at] ?? 0);
    if (difference) return difference;
  }
  return 0;
}

/** Whether a version has what came with another; what came with none was there ever. */
export function isSince(version: string, since: string | undefined): boolean {
  return since === undefined || compareVersions(version, since) >= 0;
}
