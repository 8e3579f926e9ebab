// Rules of security groups in words.
import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Rule } from '../../model/admission';
import { text } from '../../text';

const t = text.settings.network;

/** The ports that the service's brokers have, by protocol. */
export const KNOWN_PORTS: [string, number, number][] = [
  ['AMQP', 5671, 5671],
  ['OpenWire', 61617, 61617],
  ['STOMP', 61614, 61614],
  ['MQTT', 8883, 8883],
  ['WebSocket', 61619, 61619],
  ['ActiveMQ web console', 8162, 8162],
  ['RabbitMQ web console', 443, 443],
  ['RabbitMQ management API', 15671, 15671],
  ['RabbitMQ metrics', 16001, 16003],
  [t.everything, 0, 65535],
];

/** The name of a range of ports where it is a known one. */
export function portsName({ fromPort, toPort }: Pick<Rule, 'fromPort' | 'toPort'>): string | undefined {
  return KNOWN_PORTS.find(([, from, to]) => from === fromPort && to === toPort)?.[0];
}

/** "5671 (AMQP)", "5671–5672". */
export function portsText(rule: Pick<Rule, 'fromPort' | 'toPort'>): string {
  const range = rule.fromPort === rule.toPort ? String(rule.fromPort) : `${rule.fromPort}–${rule.toPort}`;
  const name = portsName(rule);
  return name ? `${range} (${name})` : range;
}

/** The rules, one under another. */
export function RuleList({ rules }: { rules: readonly (Rule & { description?: string })[] }) {
  if (!rules.length) return <StatusIndicator type="stopped">{t.noRules}</StatusIndicator>;
  return (
    <>
      {rules.map((rule) => (
        <div key={`${rule.fromPort} ${rule.toPort} ${rule.cidr}`}>
          {t.ruleText(portsText(rule), rule.cidr)}
          {rule.description ? (
            <Box variant="small" color="text-body-secondary" display="inline" margin={{ left: 'xs' }}>
              {rule.description}
            </Box>
          ) : null}
        </div>
      ))}
    </>
  );
}
