import type { Schemas } from '../../api/client';

/** A part of the broker's page. */
export default function Network({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  return <>{broker.brokerName}</>;
}
