import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { words } from '../model/words';

const TYPES: Record<string, StatusIndicatorProps.Type> = {
  RUNNING: 'success',
  CREATION_IN_PROGRESS: 'in-progress',
  REBOOT_IN_PROGRESS: 'in-progress',
  DELETION_IN_PROGRESS: 'in-progress',
  CREATION_FAILED: 'error',
  CRITICAL_ACTION_REQUIRED: 'warning',
  REPLICA: 'info',
};

/** The state of a broker, in words: "Creation in progress". */
export function BrokerStatus({ state }: { state: string }) {
  return <StatusIndicator type={TYPES[state] ?? 'info'}>{words(state)}</StatusIndicator>;
}
