// What the broker would cost, and whether there is room for it.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { type Capacity, roomFor } from '../../model/create/capacity';
import { money } from '../../model/money';
import { duration } from '../../model/time';
import { text } from '../../text';
import { useForm } from './form';

interface Props {
  /** Gigabytes that are stored on average. */
  storedGb: string;
  onStoredGb: (gb: string) => void;
}

export function Summary({ storedGb, onStoredGb }: Props) {
  const room = useRoom();
  return (
    <SpaceBetween size="l">
      <Cost storedGb={storedGb} onStoredGb={onStoredGb} />
      {room ? <Room capacity={room} /> : null}
    </SpaceBetween>
  );
}

function Cost({ storedGb, onStoredGb }: Props) {
  const { draft } = useForm();
  const { engineType, deploymentMode, hostInstanceType, storageType } = draft;
  const query = { engineType, deploymentMode, hostInstanceType, storageType, storageGb: storedGb.trim() || '0' };
  const estimate = useQuery({
    queryKey: ['cost-estimate', query],
    enabled: hostInstanceType !== '',
    queryFn: () => answer(api.GET('/brokerd/v1/cost/estimate', { params: { query } })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const { error, data } = estimate;
  if (error instanceof ApiError && error.isRefused) return null;
  const wrong = error instanceof ApiError && error.attribute === 'storageGb' ? error.message : undefined;
  const price = (amount: string) => money(amount, data?.currency ?? '');
  const { instances, storage } = data ?? {};
  const total = error ? undefined : data?.total;
  return (
    <Container
      header={
        <Header variant="h2" description={text.create.costHelp}>
          {text.create.cost}
        </Header>
      }
    >
      <ColumnLayout columns={2} minColumnWidth={260}>
        <div aria-live="polite">
          <Box variant="awsui-value-large" tagOverride="div">
            {total ? price(total) : text.common.none}
          </Box>
          <Box color="text-body-secondary">{text.create.perMonth}</Box>
          {data && !error && instances?.hourlyPrice ? (
            <Box fontSize="body-s" padding={{ top: 'xs' }}>
              {text.create.instancesCost(
                instances.count,
                instances.hostInstanceType,
                price(instances.hourlyPrice.amount),
              )}
            </Box>
          ) : null}
          {data && !error && storage?.monthlyPrice ? (
            <Box fontSize="body-s">
              {text.create.storageCost(
                storage.gb,
                storage.disks,
                storage.storageType,
                price(storage.monthlyPrice.amount),
              )}
            </Box>
          ) : null}
          {error && !wrong ? <Box color="text-status-error">{error.message}</Box> : null}
          {!error && data?.missing.length ? <Box color="text-status-warning">{data.missing.join(' ')}</Box> : null}
        </div>
        <FormField
          label={deploymentMode === 'CLUSTER_MULTI_AZ' ? text.create.storedGbOfNode : text.create.storedGb}
          errorText={wrong}
        >
          <Input
            value={storedGb}
            inputMode="decimal"
            autoComplete={false}
            onChange={({ detail }) => onStoredGb(detail.value)}
          />
        </FormField>
      </ColumnLayout>
    </Container>
  );
}

function useRoom(): Capacity | undefined {
  const { data } = useQuery({
    queryKey: ['capacity'],
    queryFn: () => answer(api.GET('/brokerd/v1/capacity', {})),
    retry: false,
  });
  return data as Capacity | undefined;
}

const GIB = 2 ** 30;
const gibibytes = (bytes: number) => `${Number((bytes / GIB).toFixed(1))} GiB`;
const mebibytes = (mib: number) => gibibytes(mib * 2 ** 20);

function Room({ capacity }: { capacity: Capacity }) {
  const { draft } = useForm();
  const room = roomFor(draft, capacity);
  const { brokers, memoryMib } = capacity;
  const quota = (value: number | undefined, of: (value: number) => string) =>
    value === undefined ? undefined : of(value);
  return (
    <Container header={<Header variant="h2">{text.create.room}</Header>}>
      <SpaceBetween size="m">
        {room.hasNoBrokersLeft || room.hasNoMemoryLeft ? <Alert type="warning">{text.create.quotaFull}</Alert> : null}
        {room.isHostFull ? (
          <Alert type="warning">{text.create.hostFull(duration(capacity.waitSeconds * 1000))}</Alert>
        ) : null}
        <KeyValuePairs
          columns={3}
          items={[
            {
              label: text.create.roomBrokers,
              value: text.create.roomUsed(String(brokers.used), quota(brokers.quota, String)),
            },
            {
              label: text.create.roomMemory,
              value: text.create.roomUsed(mebibytes(memoryMib.used), quota(memoryMib.quota, mebibytes)),
            },
            ...(room.freeBytes === undefined
              ? []
              : [
                  {
                    label: text.create.roomHost,
                    value: text.create.roomNeeds(gibibytes(room.neededBytes), gibibytes(room.freeBytes)),
                  },
                ]),
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
