import type { Schemas } from '../../api/client';

/** A part of the broker's page. */
export default function Report({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  return <>{broker.brokerName}</>;
}
