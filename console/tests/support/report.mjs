// A report of a broker, as brokerd tells it.
import { ID } from './monitoring.mjs';

const availability = (unavailableMinutes, unknownMinutes, minutes = 1440) => ({
  availableMinutes: minutes - unavailableMinutes - unknownMinutes,
  unavailableMinutes,
  unknownMinutes,
  unavailableSeconds: unavailableMinutes * 12.5,
  unknownSeconds: unknownMinutes * 60,
  percentage: (100 - (unavailableMinutes / minutes) * 100).toFixed(4),
});

/** A report of a month with outages on its third and fifth day. */
export function report({ query }) {
  const from = `${query.get('from').slice(0, 10)}T00:00:00Z`;
  const day = (index) => new Date(Date.parse(from) + index * 86_400_000).toISOString();
  const periods = Array.from({ length: 28 }, (_, index) => ({
    from: day(index),
    to: day(index + 1),
    availability: availability(index === 2 ? 9 : index === 4 ? 2 : 0, index === 10 ? 30 : 0),
    failovers: index === 2 ? 1 : 0,
    restarts: index === 2 ? 2 : 0,
    cost: '9.60',
    missing: [],
  }));
  const lasted = {
    from: day(2),
    to: day(2.001),
    seconds: 1.4,
    cause: 'INJECTED_FAULT',
    detail: 'instance 1 was killed',
  };
  return {
    body: {
      brokerId: ID,
      brokerName: 'orders',
      engineType: 'ActiveMQ',
      created: '2026-01-01T00:00:00Z',
      from,
      to: day(28),
      availability: availability(11, 30, 28 * 1440),
      messages: { received: 1_234_567, delivered: 1_234_001 },
      periods,
      failovers: [{ ...lasted, formerInstance: 1, successorInstance: 2 }],
      outages: [
        { ...lasted, state: 'UNAVAILABLE' },
        { from: day(10), seconds: 1800, state: 'UNKNOWN', cause: 'UNWATCHED', detail: 'brokerd was stopped' },
      ],
      restarts: [{ ...lasted, instance: 1, starts: 2 }],
      currency: 'USD',
      total: { cost: '268.80', missing: ['The storage of 2 days was not measured.'] },
      lines: [
        {
          from,
          to: day(28),
          item: 'INSTANCE',
          kind: 'mq.m5.large',
          count: 2,
          unit: 'Hrs',
          quantity: '1344',
          cost: '268.80',
          price: { amount: '0.20', region: 'us-east-1' },
        },
        { from, to: day(28), item: 'STORAGE', kind: 'EFS', count: 1, unit: 'GB-Mo', quantity: '12.5' },
      ],
    },
  };
}
