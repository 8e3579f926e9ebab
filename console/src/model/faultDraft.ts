// A fault as a person asks for it.
// Source: domain/src/fault/spec.rs, docs/fault-injection.md.

/** In the order of the form: the shortest first. */
export const FAULT_KINDS = ['FAILOVER', 'KILL', 'PAUSE', 'ISOLATE', 'ZONE_OUTAGE', 'LATENCY', 'FILL_DISK'] as const;

/** The form; numbers as entered. An empty instance is the one that serves. */
export interface FaultDraft {
  kind: string;
  instance: string;
  zone: string;
  durationSeconds: string;
  latencyMilliseconds: string;
  jitterMilliseconds: string;
}

export type FaultMember = Exclude<keyof FaultDraft, 'kind'>;

const MEMBERS: Record<string, FaultMember[]> = {
  KILL: ['instance'],
  PAUSE: ['instance', 'durationSeconds'],
  ISOLATE: ['instance', 'durationSeconds'],
  ZONE_OUTAGE: ['zone', 'durationSeconds'],
  LATENCY: ['latencyMilliseconds', 'jitterMilliseconds', 'durationSeconds'],
  FILL_DISK: ['instance', 'durationSeconds'],
  FAILOVER: [],
};

/** The members that a kind has. */
export function membersOf(kind: string): readonly FaultMember[] {
  return MEMBERS[kind] ?? [];
}

const RANGES: Partial<Record<FaultMember, [number, number]>> = {
  durationSeconds: [1, 3600],
  latencyMilliseconds: [1, 60_000],
  jitterMilliseconds: [0, 60_000],
};

/** The range that a member of the form is outside of. */
export function faultDraftFaults(draft: FaultDraft): Partial<Record<keyof FaultDraft, [number, number]>> {
  const faults: Partial<Record<keyof FaultDraft, [number, number]>> = {};
  for (const member of membersOf(draft.kind)) {
    const range = RANGES[member];
    const entered = draft[member].trim();
    if (!range) continue;
    const value = Number(entered);
    if (!/^\d+$/.test(entered) || value < range[0] || value > range[1]) faults[member] = range;
  }
  return faults;
}

/** The request: only the members that the kind has. */
export function faultRequest(draft: FaultDraft) {
  const has = (member: FaultMember) => membersOf(draft.kind).includes(member);
  return {
    kind: draft.kind,
    ...(has('instance') && draft.instance ? { instance: Number(draft.instance) } : {}),
    ...(has('zone') ? { zone: draft.zone } : {}),
    ...(has('durationSeconds') ? { durationSeconds: Number(draft.durationSeconds) } : {}),
    ...(has('latencyMilliseconds') ? { latencyMilliseconds: Number(draft.latencyMilliseconds) } : {}),
    ...(has('jitterMilliseconds') ? { jitterMilliseconds: Number(draft.jitterMilliseconds) } : {}),
  };
}
