// What the list is narrowed to: one value of each property, as the server can be asked.
import PropertyFilter, { type PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { ENGINES, type Listed, MODES, STATES, type Token, tokensOf, withTokens } from '../../model/brokers';
import { text } from '../../text';

function property(
  key: string,
  label: string,
  operator: '=' | ':',
  format: (value: string) => string = (value) => value,
): PropertyFilterProps.FilteringProperty {
  return {
    key,
    propertyLabel: label,
    groupValuesLabel: text.brokers.values(label),
    operators: [{ operator, format }],
    defaultOperator: operator,
  };
}
const PROPERTIES = [
  property('name', text.brokers.name, ':'),
  property('state', text.brokers.state, '=', text.brokers.stateName),
  property('engine', text.brokers.engine, '=', text.brokers.engineName),
  property('mode', text.brokers.mode, '=', text.brokers.modeName),
  property('type', text.brokers.type, '='),
];
const options = (key: string, values: readonly string[], label: (value: string) => string) =>
  values.map((value) => ({ propertyKey: key, value, label: label(value) }));
const OPTIONS = [
  ...options('state', STATES, text.brokers.stateName),
  ...options('engine', ENGINES, text.brokers.engineName),
  ...options('mode', MODES, text.brokers.modeName),
];

interface Props {
  listed: Listed;
  /** How many brokers match; absent: there is no filter. */
  matches: number | undefined;
  onChange: (next: Listed) => void;
}

export function Filter({ listed, matches, onChange }: Props) {
  const types = useQuery({
    queryKey: ['instance-options', 'brokers'],
    queryFn: () => answer(api.GET('/v1/broker-instance-options', { params: { query: { maxResults: 100 } } })),
    staleTime: Infinity,
    // Without it a type is entered by hand.
    retry: false,
  });
  const names = new Set(types.data?.brokerInstanceOptions.map((option) => option.hostInstanceType));
  return (
    <PropertyFilter
      query={{ operation: 'and', tokens: tokensOf(listed) as PropertyFilterProps.Token[] }}
      onChange={({ detail }) => onChange(withTokens(listed, detail.tokens as readonly Token[]))}
      filteringProperties={PROPERTIES}
      filteringOptions={[...OPTIONS, ...options('type', [...names], (name) => name)]}
      freeTextFiltering={{ operators: [':'], defaultOperator: ':' }}
      hideOperations
      filteringPlaceholder={text.brokers.filter}
      filteringAriaLabel={text.brokers.filterLabel}
      countText={matches === undefined ? '' : text.brokers.matches(matches)}
      expandToViewport
    />
  );
}
