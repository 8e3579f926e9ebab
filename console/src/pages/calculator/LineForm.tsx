// One line of the calculator: some brokers that are alike, and what they cost.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { ApiError } from '../../api/errors';
import { CHOICES, costOf, countOf, type Estimate, fittedLine, hostsOf, type Line } from '../../model/calculator';
import type { Engine, Mode, Storage } from '../../model/create/draft';
import { engines, modes, storages } from '../../model/create/options';
import { instanceType } from '../../model/instance-types';
import { money } from '../../model/money';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';

interface Props {
  number: number;
  line: Line;
  estimate: Estimate | undefined;
  error: unknown;
  isAlone: boolean;
  isFull: boolean;
  onChange: (line: Line) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onRetry: () => void;
}

/** The members whose errors are shown below their fields. */
const SHOWN = ['storageGb', 'hours', 'hostInstanceType', 'storageType', 'deploymentMode', 'engineType'];

export function LineForm(props: Props) {
  const { number, line, error, isAlone, isFull, onChange, onDuplicate, onRemove, onRetry } = props;
  const attribute = error instanceof ApiError ? error.attribute : undefined;
  const wrong = (member: string) => (attribute === member && error instanceof Error ? error.message : undefined);
  const set = (changes: Partial<Line>) => onChange(fittedLine({ ...line, ...changes }));
  const isOther = Boolean(error) && !SHOWN.includes(attribute ?? '');
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button ariaLabel={text.calculator.duplicateLine(number)} disabled={isFull} onClick={onDuplicate}>
                {text.calculator.copyLine}
              </Button>
              <Button ariaLabel={text.calculator.removeLine(number)} disabled={isAlone} onClick={onRemove}>
                {text.calculator.remove}
              </Button>
            </SpaceBetween>
          }
        >
          {text.calculator.line(number)}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ColumnLayout columns={4} minColumnWidth={190}>
          <Choice
            label={text.calculator.engine}
            error={wrong('engineType')}
            value={line.engineType}
            values={engines(CHOICES)}
            nameOf={(engine) => text.calculator.engines[engine]}
            onChange={(engineType: Engine) => set({ engineType })}
          />
          <Choice
            label={text.calculator.mode}
            error={wrong('deploymentMode')}
            value={line.deploymentMode}
            values={modes(CHOICES, line.engineType)}
            nameOf={(mode) => text.calculator.modes[mode]}
            onChange={(deploymentMode: Mode) => set({ deploymentMode })}
          />
          <Choice
            label={text.calculator.storage}
            error={wrong('storageType')}
            value={line.storageType}
            values={storages(CHOICES, line.engineType, line.deploymentMode)}
            nameOf={(storage) => text.calculator.storages[storage]}
            onChange={(storageType: Storage) => set({ storageType })}
          />
          <Choice
            label={text.calculator.instanceType}
            error={wrong('hostInstanceType')}
            value={line.hostInstanceType}
            values={hostsOf(line)}
            nameOf={(name) => name}
            describe={(name) => {
              const type = instanceType(name);
              return type ? text.create.instanceDescription(type.vcpus, type.memoryGib) : '';
            }}
            onChange={(hostInstanceType: string) => set({ hostInstanceType })}
          />
          <Quantity
            label={
              line.deploymentMode === 'CLUSTER_MULTI_AZ' ? text.calculator.storageGbOfNode : text.calculator.storageGb
            }
            error={wrong('storageGb')}
            value={line.storageGb}
            onChange={(storageGb) => set({ storageGb })}
          />
          <Quantity
            label={text.calculator.hours}
            help={text.calculator.hoursHelp}
            error={wrong('hours')}
            value={line.hours}
            onChange={(hours) => set({ hours })}
          />
          <Quantity
            label={text.calculator.count}
            error={countOf(line) === undefined ? text.calculator.countWrong : undefined}
            value={line.count}
            onChange={(count) => set({ count })}
          />
        </ColumnLayout>
        {isOther ? <Problem error={error} onRetry={onRetry} /> : null}
        <Costs {...props} />
      </SpaceBetween>
    </Container>
  );
}

function Costs({ line, estimate, error }: Props) {
  const known = error ? undefined : estimate;
  const { instances, storage } = known ?? {};
  const price = (amount: string) => money(amount, known?.currency ?? '');
  const cost = costOf(line, known);
  const items = [
    {
      label: text.calculator.instances,
      value:
        known && instances?.hourlyPrice && instances.cost !== undefined
          ? text.calculator.instancesCost(
              instances.count,
              known.hours,
              price(instances.hourlyPrice.amount),
              price(instances.cost),
            )
          : text.common.none,
    },
    {
      label: text.calculator.storage,
      value:
        known && storage?.monthlyPrice && storage.cost !== undefined
          ? text.calculator.storageCost(
              storage.disks,
              storage.gb,
              price(storage.monthlyPrice.amount),
              known.hours,
              price(storage.cost),
            )
          : text.common.none,
    },
    {
      label: text.calculator.perBroker,
      value: known?.total === undefined ? text.common.none : price(known.total),
    },
    {
      label: text.calculator.cost,
      value: (
        <Box variant="strong">
          <span aria-live="polite">{cost === undefined ? text.common.none : price(cost)}</span>
        </Box>
      ),
    },
  ];
  return (
    <SpaceBetween size="s">
      <KeyValuePairs columns={4} minColumnWidth={190} items={items} />
      {known?.missing.length ? <Alert type="warning">{known.missing.join(' ')}</Alert> : null}
    </SpaceBetween>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  error: string | undefined;
  value: T;
  values: T[];
  nameOf: (value: T) => string;
  describe?: (value: T) => string;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ label, error, value, values, nameOf, describe, onChange }: ChoiceProps<T>) {
  const option = (one: T) => ({ value: one, label: nameOf(one), ...(describe ? { description: describe(one) } : {}) });
  return (
    <FormField label={label} errorText={error}>
      <Select
        selectedOption={{ value, label: nameOf(value) }}
        options={values.map(option)}
        onChange={({ detail }) => onChange(detail.selectedOption.value as T)}
      />
    </FormField>
  );
}

interface QuantityProps {
  label: string;
  help?: string;
  error: string | undefined;
  value: string;
  onChange: (value: string) => void;
}

function Quantity({ label, help, error, value, onChange }: QuantityProps) {
  return (
    <FormField label={label} constraintText={help} errorText={error}>
      <Input value={value} inputMode="decimal" autoComplete={false} onChange={({ detail }) => onChange(detail.value)} />
    </FormField>
  );
}
