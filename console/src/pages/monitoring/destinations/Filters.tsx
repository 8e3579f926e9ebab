import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TextFilter from '@cloudscape-design/components/text-filter';
import Toggle from '@cloudscape-design/components/toggle';
import { useEffect, useState } from 'react';
import { text } from '../../../text';
import type { Filter, Kind } from './data';

const words = text.monitoring.destinations;
/** How long somebody pauses who has typed enough, in milliseconds. */
const PAUSE_MS = 300;

/** A text that is told when somebody pauses. */
function usePaused(told: string, onTold: (typed: string) => void): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(told);
  useEffect(() => setTyped(told), [told]);
  useEffect(() => {
    if (typed === told) return undefined;
    const timer = setTimeout(() => onTold(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}

interface Props {
  engine: 'RabbitMQ' | 'ActiveMQ';
  filter: Filter;
  onChange: (filter: Filter) => void;
}

/** Which destinations are listed; the server chooses them. */
export function Filters({ engine, filter, onChange }: Props) {
  const [name, setName] = usePaused(filter.nameContains, (typed) => onChange({ ...filter, nameContains: typed }));
  const [host, setHost] = usePaused(filter.virtualHost, (typed) => onChange({ ...filter, virtualHost: typed }));
  const kinds = [
    { value: '', label: words.all },
    { value: 'QUEUE', label: words.queues },
    { value: 'TOPIC', label: words.topics },
  ];
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <TextFilter
        filteringText={name}
        filteringPlaceholder={words.find}
        filteringAriaLabel={words.find}
        filteringClearAriaLabel={text.common.clearFilter}
        onChange={({ detail }) => setName(detail.filteringText)}
      />
      {engine === 'ActiveMQ' ? (
        <Select
          ariaLabel={words.shown}
          options={kinds}
          selectedOption={kinds.find(({ value }) => value === (filter.kind ?? '')) ?? null}
          onChange={({ detail }) => onChange({ ...filter, kind: (detail.selectedOption.value || undefined) as Kind })}
        />
      ) : (
        <Input
          type="search"
          value={host}
          ariaLabel={words.virtualHost}
          placeholder={words.anyVirtualHost}
          clearAriaLabel={text.common.clearFilter}
          onChange={({ detail }) => setHost(detail.value)}
        />
      )}
      <Toggle
        checked={filter.includeInternal}
        onChange={({ detail }) => onChange({ ...filter, includeInternal: detail.checked })}
      >
        {words.internal}
      </Toggle>
    </SpaceBetween>
  );
}
