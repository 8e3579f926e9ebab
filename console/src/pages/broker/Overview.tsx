// The overview of a broker: what it is, its instances, and what happened to it.
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../api/client';
import { Details } from './Details';
import { History } from './History';
import { Instances } from './Instances';
import { useInspection } from './queries';

export default function Overview({ broker }: { broker: Schemas['DescribeBrokerResponse'] }) {
  const { data: inspection } = useInspection(broker.brokerId, broker.brokerState);
  return (
    <SpaceBetween size="l">
      <Details broker={broker} inspection={inspection} />
      <Instances broker={broker} inspection={inspection} />
      <History broker={broker} />
    </SpaceBetween>
  );
}
