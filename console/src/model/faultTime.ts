// How far a fault is.

export interface TimedFault {
  state: string;
  startsAt: string;
  endsAt: string;
  durationSeconds?: number;
}

/** Kinds that happen once and last no time. */
const MOMENTARY = ['KILL', 'FAILOVER'];

export function isMomentary(kind: string): boolean {
  return MOMENTARY.includes(kind);
}

export function isUnderWay({ state }: { state: string }): boolean {
  return state !== 'ENDED';
}

/** The milliseconds until a fault is healed, not below 0. */
export function remaining(fault: TimedFault, now: number): number {
  return Math.max(0, Date.parse(fault.endsAt) - now);
}

/** How much of its time is over, in percent. */
export function progress(fault: TimedFault, now: number): number {
  const [starts, ends] = [Date.parse(fault.startsAt), Date.parse(fault.endsAt)];
  if (ends <= starts) return 100;
  return Math.min(100, Math.max(0, Math.round(((now - starts) / (ends - starts)) * 100)));
}

/** Minutes and seconds: "1:05"; over an hour "1:00:05". */
export function countdown(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
