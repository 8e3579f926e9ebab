// Rules of a security group as a person enters them.
import { isCidr } from './admission';

/** A rule in a form. */
export interface RuleDraft {
  /** A port or a range: `5671`, `5671-5672`. */
  ports: string;
  cidr: string;
  description: string;
}

/** A rule as the API takes it. */
export interface RuleInput {
  protocol: 'tcp';
  fromPort: number;
  toPort: number;
  cidr: string;
  description?: string;
}

export const MAX_RULES = 60;
export const MAX_TEXT_LENGTH = 255;

export interface RuleFault {
  ports?: 'PORTS';
  cidr?: 'CIDR' | 'TWICE';
  description?: 'LONG';
}

/** The ends of a range of ports; undefined: it is none. */
export function parsePorts(text: string): [number, number] | undefined {
  const found = /^\s*(\d{1,5})(?:\s*[-–]\s*(\d{1,5}))?\s*$/.exec(text);
  if (!found) return undefined;
  const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
  return from <= to && to <= 65_535 ? [from, to] : undefined;
}

/** A rule of the API in a form. */
export function ruleDraft(rule: { fromPort: number; toPort: number; cidr: string; description?: string }): RuleDraft {
  const { fromPort, toPort, cidr, description = '' } = rule;
  return { ports: fromPort === toPort ? String(fromPort) : `${fromPort}-${toPort}`, cidr, description };
}

/** What is wrong with each rule; an empty object: nothing. */
export function ruleFaults(rules: readonly RuleDraft[]): RuleFault[] {
  const key = ({ ports, cidr }: RuleDraft) => `${parsePorts(ports)?.join('-')} ${cidr.trim()}`;
  return rules.map((rule, at) => {
    const fault: RuleFault = {};
    if (!parsePorts(rule.ports)) fault.ports = 'PORTS';
    if (!isCidr(rule.cidr)) fault.cidr = 'CIDR';
    else if (!fault.ports && rules.slice(0, at).some((other) => key(other) === key(rule))) fault.cidr = 'TWICE';
    if ([...rule.description].length > MAX_TEXT_LENGTH) fault.description = 'LONG';
    return fault;
  });
}

/** The rules as the API takes them. Only for rules without faults. */
export function ruleInputs(rules: readonly RuleDraft[]): RuleInput[] {
  return rules.map(({ ports, cidr, description }) => {
    const [fromPort, toPort] = parsePorts(ports) ?? [0, 0];
    const input: RuleInput = { protocol: 'tcp', fromPort, toPort, cidr: cidr.trim() };
    return description.trim() ? { ...input, description: description.trim() } : input;
  });
}
