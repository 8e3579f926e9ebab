// Which engine versions a broker may be upgraded to. The server decides; this says beforehand what it will say.
// Source: domain/src/catalogue/upgrade.rs, after "Upgrading an Amazon MQ broker engine version" of the developer guide.

/** Why a version can't be chosen. */
export type UpgradeRefusal =
  /** It is older than the current one. */
  | 'LOWER'
  /** A version in between comes first. */
  | 'STEP_BETWEEN'
  /** No way leads there. */
  | 'NO_WAY'
  /** Another version stands in for one of the two, and the way of these is not supported. */
  | 'STAND_IN';

/** A version that callers may name, with the exact version that runs behind it where that is known. */
export interface Offered {
  version: string;
  trueVersion?: string;
}

export interface UpgradeTarget extends Offered {
  refusal?: UpgradeRefusal;
}

function parts(version: string): [number, number] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
}

/** Orders versions by major and minor number, the lower one first. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [parts(one), parts(other)];
  return a[0] - b[0] || a[1] - b[1];
}

function isSupported(engine: string, from: string, to: string): boolean {
  if (engine.toUpperCase() === 'ACTIVEMQ') return true;
  const [a, b] = [parts(from), parts(to)];
  if (compareVersions(to, from) <= 0) return compareVersions(to, from) === 0;
  if (a[0] === 3 && b[0] === 3) return b[1] - a[1] === 1;
  if (a[0] === 3 && b[0] === 4) return a[1] >= 13 && b[1] <= 2;
  return a[0] === b[0];
}

/** The offered versions but the current one, newest first, each with why it can't follow the current one. */
export function upgradeTargets(engine: string, current: string, offered: readonly Offered[]): UpgradeTarget[] {
  const serving = (version: string) =>
    parts(offered.find((one) => one.version === version)?.trueVersion ?? version).join('.');
  const refusal = (version: string): UpgradeRefusal | undefined => {
    if (compareVersions(version, current) < 0) return 'LOWER';
    const [from, to] = [serving(current), serving(version)];
    const isBetween = ({ version: one }: Offered) =>
      compareVersions(current, one) < 0 && compareVersions(one, version) < 0;
    const hasBetween = offered.some(isBetween);
    // Between two versions that one and the same serves nothing is upgraded.
    if (!isSupported(engine, current, version) && (from !== to || hasBetween)) {
      return hasBetween ? 'STEP_BETWEEN' : 'NO_WAY';
    }
    return from !== to && !isSupported(engine, from, to) ? 'STAND_IN' : undefined;
  };
  return [...offered]
    .filter(({ version }) => version !== current)
    .sort((one, other) => compareVersions(other.version, one.version))
    .map((one) => {
      const refused = refusal(one.version);
      return refused ? { ...one, refusal: refused } : { ...one };
    });
}
