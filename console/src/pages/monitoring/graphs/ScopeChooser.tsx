import FormField from '@cloudscape-design/components/form-field';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import { brokerDimensions, type Level, panelsOf, type Scope } from '../../../model/metrics';
import { text } from '../../../text';
import { type Broker, MAX_NAMES, type Name, useNames } from './data';

interface Props {
  broker: Broker;
  level: Level;
  /** What is chosen at the level. */
  name: Name | undefined;
  onChange: (level: Level, name?: Name) => void;
}

const isRabbit = (broker: Broker) => broker.engineType.toUpperCase() === 'RABBITMQ';

/** The levels that a broker has. A single instance is its broker. */
function levelsOf(broker: Broker): Level[] {
  const hasNodes = broker.deploymentMode !== 'SINGLE_INSTANCE';
  const levels: Level[] = hasNodes ? ['broker', 'node', 'queue', 'topic'] : ['broker', 'queue', 'topic'];
  return levels.filter((level) => panelsOf(broker.engineType, level).length > 0);
}

/** The scope of a choice; none: something has to be chosen yet. */
export function scopeOf(level: Level, name: Name | undefined): Scope | undefined {
  if (level === 'broker') return { level };
  if (level === 'node') return name ? { level, name: name.name } : { level };
  return name && { level, ...name };
}

/** Chooses of what the metrics are: the broker, a node, a queue or a topic. */
export function ScopeChooser({ broker, level, name, onChange }: Props) {
  const levelOption = (one: Level) => ({
    value: one,
    label: one === 'node' && !isRabbit(broker) ? text.monitoring.instance : text.monitoring.levels[one],
  });
  const levels = levelsOf(broker).map(levelOption);
  return (
    <>
      <FormField label={text.monitoring.level}>
        <Select
          selectedOption={levelOption(level)}
          options={levels}
          onChange={({ detail }) => onChange(detail.selectedOption.value as Level)}
        />
      </FormField>
      {level === 'broker' ? null : <NameChooser key={level} {...{ broker, level, name, onChange }} />}
    </>
  );
}

function NameChooser({ broker, level, name, onChange }: Props & { level: Exclude<Level, 'broker'> }) {
  // Instances of ActiveMQ are known, nodes of RabbitMQ have names of their own.
  const isKnown = level === 'node' && !isRabbit(broker);
  const names = useNames(broker, level, !isKnown);
  const all: Name[] = isKnown ? brokerDimensions(broker).map((one) => ({ name: one })) : (names.data ?? []);
  const option = (one: Name): SelectProps.Option => ({
    value: JSON.stringify([one.virtualHost, one.name]),
    label: one.name,
    ...(one.virtualHost === undefined ? {} : { description: text.monitoring.virtualHost(one.virtualHost) }),
  });
  const everything: SelectProps.Option = {
    value: '',
    label: isKnown ? text.monitoring.allInstances : text.monitoring.allNodes,
  };
  const options = [...(level === 'node' ? [everything] : []), ...all.map(option)];
  const empty =
    level === 'queue' && isRabbit(broker) && !broker.engineVersion.startsWith('3.')
      ? text.monitoring.noQueueMetrics
      : text.monitoring.noNames[level];
  return (
    <FormField
      label={level === 'node' && isKnown ? text.monitoring.instance : text.monitoring.name[level]}
      constraintText={all.length >= MAX_NAMES ? text.monitoring.moreNames(MAX_NAMES) : undefined}
    >
      <div className="mon-name">
        <Select
          selectedOption={name ? option(name) : level === 'node' ? everything : null}
          options={options}
          placeholder={text.monitoring.choose[level]}
          filteringType={all.length > 10 ? 'auto' : 'none'}
          filteringAriaLabel={text.monitoring.findName}
          filteringPlaceholder={text.monitoring.findName}
          virtualScroll={all.length > 100}
          statusType={names.isError ? 'error' : names.isLoading ? 'loading' : 'finished'}
          loadingText={text.common.loading}
          errorText={names.error?.message}
          recoveryText={text.common.retry}
          onLoadItems={() => (names.isError ? void names.refetch() : undefined)}
          empty={empty}
          onChange={({ detail }) => {
            const chosen = all.find((one) => option(one).value === detail.selectedOption.value);
            onChange(level, chosen);
          }}
        />
      </div>
    </FormField>
  );
}
