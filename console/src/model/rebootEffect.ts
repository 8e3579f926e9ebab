// What a reboot does to the clients of a broker.
// Source of the times: "Measured" of docs/high-availability.md.

/** How clients notice a reboot. */
export type RebootEffect =
  /** The only instance is away while it boots. */
  | 'SINGLE'
  /** The standby is replaced first, then takes over. */
  | 'PAIR'
  /** Node by node; the others serve. */
  | 'ROLLING'
  /** All nodes are stopped and made anew. */
  | 'FULL_STOP';

interface Rebooted {
  deploymentMode: string;
  pendingEngineVersion?: string;
}

/** How clients of the broker notice its next reboot. A cluster can't have nodes of two versions. */
export function rebootEffect(broker: Rebooted): RebootEffect {
  if (broker.deploymentMode === 'ACTIVE_STANDBY_MULTI_AZ') return 'PAIR';
  if (broker.deploymentMode !== 'CLUSTER_MULTI_AZ') return 'SINGLE';
  return broker.pendingEngineVersion === undefined ? 'ROLLING' : 'FULL_STOP';
}

/** Actions that RebootBroker is refused for. */
const ALARMS = ['RABBITMQ_MEMORY_ALARM', 'RABBITMQ_DISK_ALARM'];

/** Why the service refuses to reboot a broker; undefined: it does not. */
export function rebootRefusal(broker: {
  brokerState: string;
  actionsRequired?: { actionRequiredCode: string }[];
}): { state: string } | { alarm: string } | undefined {
  if (!['RUNNING', 'CRITICAL_ACTION_REQUIRED', 'REPLICA'].includes(broker.brokerState)) {
    return { state: broker.brokerState };
  }
  const alarm = broker.actionsRequired?.find(({ actionRequiredCode }) => ALARMS.includes(actionRequiredCode));
  return alarm && { alarm: alarm.actionRequiredCode };
}

/** Whether UpdateBroker is accepted in that state. */
export function isChangeable(state: string): boolean {
  return ['RUNNING', 'CRITICAL_ACTION_REQUIRED', 'REPLICA'].includes(state);
}
