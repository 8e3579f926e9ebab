import Box from '@cloudscape-design/components/box';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import { money, percent } from '../../../model/months';
import { duration } from '../../../model/time';
import { whole } from '../../../model/units';
import { text } from '../../../text';
import type { Report } from './data';

const words = text.monitoring.report;

/** The figures of a month. */
export function Summary({ report }: { report: Report }) {
  const { availability, failovers, restarts, messages, total, currency, lines } = report;
  const { availableMinutes, unavailableMinutes, unavailableSeconds, unknownMinutes, percentage } = availability;
  const storage = lines.filter(({ item, quantity }) => item === 'STORAGE' && quantity !== undefined);
  // Quantities of parts of a month are averaged over the month, so they add up.
  const gigabytes = storage.reduce((sum, { quantity }) => sum + Number(quantity), 0);
  const figure = (label: string, value: string, help?: string) => ({
    label,
    value: (
      <>
        <Box fontSize="heading-l" fontWeight="bold">
          {value}
        </Box>
        {help ? (
          <Box fontSize="body-s" color="text-body-secondary">
            {help}
          </Box>
        ) : null}
      </>
    ),
  });
  return (
    <KeyValuePairs
      columns={4}
      items={[
        figure(words.availability, percent(percentage), availableMinutes ? words.availabilityHelp : undefined),
        figure(
          words.unavailable,
          words.minutes(unavailableMinutes),
          unavailableSeconds ? words.unavailableFor(duration(unavailableSeconds * 1000)) : undefined,
        ),
        figure(words.unknown, words.minutes(unknownMinutes), unknownMinutes ? words.unknownHelp : undefined),
        figure(words.cost, money(currency, total.cost), words.costHelp),
        figure(words.failovers, whole(failovers.length)),
        figure(words.restarts, whole(restarts.length), words.restartsHelp),
        figure(words.received, messages ? whole(messages.received) : words.notCounted, words.receivedHelp),
        figure(words.delivered, messages ? whole(messages.delivered) : words.notCounted, words.deliveredHelp),
        figure(
          words.storage,
          storage.length ? words.gigabytes(String(Number(gigabytes.toFixed(2)))) : words.notMeasured,
          words.storageHelp,
        ),
      ]}
    />
  );
}
