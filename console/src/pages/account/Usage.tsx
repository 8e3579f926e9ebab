// What the account has against its quotas, and what it costs.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import DatePicker from '@cloudscape-design/components/date-picker';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, type ReactNode, Suspense, useState } from 'react';
import { answer, api, checked, regionHeaders, type Schemas } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useSession } from '../../api/session';
import { amount, monthOf, monthsAgo, share } from '../../model/usage';
import { download } from '../../shared/download';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { accountSummary, keys } from './iam';

const words = text.account.usage;
const CostChart = lazy(() => import('./CostChart'));
/** How many months are shown at first, with the present one. */
const MONTHS = 6;
const DAY_MS = 86_400_000;

interface Period {
  from: string;
  /** The last day that belongs to it; empty: until now. */
  to: string;
  tag: string;
}

/** The parameters of a period, in which the end does not belong to it. */
function parametersOf({ from, to, tag }: Period) {
  const after = to && new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10);
  const isPast = after && Date.parse(after) <= Date.now();
  return { from, granularity: 'MONTH', ...(isPast ? { to: after } : {}), ...(tag ? { tag } : {}) };
}

export default function Usage() {
  const { accountId } = useSession();
  const [period, setPeriod] = useState<Period>(() => ({
    from: monthsAgo(new Date(), MONTHS - 1),
    to: '',
    tag: '',
  }));
  const query = useQuery({
    queryKey: ['account', accountId, 'usage', period],
    queryFn: () =>
      answer(
        api.GET('/brokerd/v1/accounts/{account-id}/usage', {
          params: { path: { 'account-id': accountId }, query: parametersOf(period) },
        }),
      ),
    placeholderData: (before) => before,
  });
  const problem = query.error ? <Problem error={query.error} onRetry={() => void query.refetch()} /> : undefined;
  if (query.error instanceof ApiError && query.error.isRefused) return problem;
  if (!problem && !query.data) return <Loading />;
  // The other form of the answer, CSV, was not asked for.
  const answered = query.data as Schemas['DescribeAccountUsageResponse'] | undefined;
  return (
    <SpaceBetween size="l">
      {answered ? (
        <Container
          header={
            <Header
              variant="h2"
              description={words.quotasHelp}
              actions={
                <Button
                  iconName="refresh"
                  ariaLabel={words.refresh}
                  loading={query.isFetching}
                  onClick={() => void query.refetch()}
                />
              }
            >
              {words.quotas}
            </Header>
          }
        >
          <ColumnLayout columns={3}>
            <Quota label={words.brokers} of={answered.brokers} say={String} />
            <Quota label={words.memory} of={answered.memoryMib} say={(value) => amount(value, 'MiB')} />
            <Quota label={words.storage} of={answered.storageGib} say={(value) => amount(value, 'GiB')} />
          </ColumnLayout>
        </Container>
      ) : null}
      <IdentityQuotas />
      {/* A period that is wrong can be corrected only in its form, so that is there without an answer, too. */}
      <Cost accountId={accountId} period={period} onPeriod={setPeriod} history={answered?.history} problem={problem} />
    </SpaceBetween>
  );
}

interface QuotaProps {
  label: string;
  of: { used: number; quota?: number };
  say: (value: number) => string;
}

function Quota({ label, of: { used, quota }, say }: QuotaProps) {
  const part = share(used, quota);
  if (part === undefined || quota === undefined) {
    return (
      <div>
        <Box variant="awsui-key-label">{label}</Box>
        {words.unlimited(say(used))}
      </div>
    );
  }
  return <ProgressBar label={label} value={part} additionalInfo={words.of(say(used), say(quota))} ariaLabel={label} />;
}

function IdentityQuotas() {
  const query = useQuery({ queryKey: [...keys.all, 'summary'], queryFn: accountSummary });
  // Who may not see this may see the rest.
  if (!query.data) return query.error ? <Problem error={query.error} /> : null;
  const of = (name: string) => ({ used: query.data.get(name) ?? 0, quota: query.data.get(`${name}Quota`) });
  const { tabs } = text.account;
  return (
    <Container header={<Header variant="h2">{words.identity}</Header>}>
      <ColumnLayout columns={4}>
        <Quota label={tabs.users} of={of('Users')} say={String} />
        <Quota label={tabs.groups} of={of('Groups')} say={String} />
        <Quota label={tabs.roles} of={of('Roles')} say={String} />
        <Quota label={tabs.policies} of={of('Policies')} say={String} />
      </ColumnLayout>
    </Container>
  );
}

interface CostProps {
  accountId: string;
  period: Period;
  onPeriod: (period: Period) => void;
  history: Schemas['UsageHistoryView'] | undefined;
  /** Why there is no history. */
  problem: ReactNode;
}

function Cost({ accountId, period, onPeriod, history, problem }: CostProps) {
  const [entered, setEntered] = useState(period);
  const flash = useFlash();
  const currency = history?.currency ?? '';
  const apply = (event: FormEvent) => {
    event.preventDefault();
    onPeriod(entered);
  };
  const store = async () => {
    try {
      const query = new URLSearchParams({ ...parametersOf(period), format: 'csv' });
      const path = `/brokerd/v1/accounts/${accountId}/usage?${query.toString()}`;
      const response = await checked(await fetch(path, { headers: regionHeaders(), credentials: 'same-origin' }));
      download(`usage-${accountId}-${period.from}.csv`, await response.text(), 'text/csv');
    } catch (error) {
      flash.failed(words.csv, error);
    }
  };
  const cost = ({ cost: sum, missing }: Schemas['SumView']) =>
    sum === undefined ? words.unknown : missing.length ? `${sum} *` : sum;
  return (
    <SpaceBetween size="l">
      <form onSubmit={apply}>
        <Container
          header={
            <Header
              variant="h2"
              description={words.costHelp}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button iconName="download" onClick={() => void store()}>
                    {words.csv}
                  </Button>
                  <Button formAction="submit">{words.tagApply}</Button>
                </SpaceBetween>
              }
            >
              {words.cost}
            </Header>
          }
        >
          <SpaceBetween size="l">
            <ColumnLayout columns={3}>
              <Day label={words.from} value={entered.from} onChange={(from) => setEntered({ ...entered, from })} />
              <Day label={words.to} value={entered.to} onChange={(to) => setEntered({ ...entered, to })} />
              <FormField label={words.tag} constraintText={words.tagHelp}>
                <Input
                  value={entered.tag}
                  onChange={({ detail }) => setEntered({ ...entered, tag: detail.value })}
                  autoComplete={false}
                />
              </FormField>
            </ColumnLayout>
            {problem}
            {history?.total.missing.length ? (
              <Alert type="warning" header={words.missing}>
                <ul>
                  {history.total.missing.map((sentence) => (
                    <li key={sentence}>{sentence}</li>
                  ))}
                </ul>
              </Alert>
            ) : null}
            {history ? (
              <Box variant="h3">
                {words.total}: {cost(history.total)} {currency}
              </Box>
            ) : null}
            {history?.periods.some(({ cost: sum }) => Number(sum) > 0) ? (
              <Suspense fallback={<Loading />}>
                <CostChart
                  title={words.byMonth}
                  currency={currency}
                  bars={history.periods.map((one) => ({ label: monthOf(one.from), value: Number(one.cost ?? 0) }))}
                />
              </Suspense>
            ) : problem ? null : (
              <Box color="text-body-secondary">{words.noCost}</Box>
            )}
          </SpaceBetween>
        </Container>
      </form>
      {history?.tags ? (
        <Table
          items={history.tags}
          trackBy={({ value }) => value ?? ''}
          enableKeyboardNavigation
          header={<Header variant="h2">{words.byTag(period.tag)}</Header>}
          columnDefinitions={[
            {
              id: 'value',
              header: words.value,
              isRowHeader: true,
              cell: ({ value }) => value ?? words.without,
            },
            { id: 'cost', header: words.amount(currency), cell: (one) => cost(one) },
          ]}
        />
      ) : null}
      {history?.brokers.length ? <Brokers brokers={history.brokers} currency={currency} cost={cost} /> : null}
    </SpaceBetween>
  );
}

interface BrokersProps {
  brokers: Schemas['BrokerHistoryView'][];
  currency: string;
  cost: (sum: Schemas['SumView']) => string;
}

function Brokers({ brokers, currency, cost }: BrokersProps) {
  return (
    <Table
      items={brokers}
      trackBy="brokerId"
      enableKeyboardNavigation
      header={
        <Header variant="h2" counter={`(${brokers.length})`}>
          {words.byBroker}
        </Header>
      }
      columnDefinitions={[
        {
          id: 'name',
          header: words.broker,
          isRowHeader: true,
          minWidth: 160,
          cell: ({ brokerId, brokerName, deleted }) =>
            deleted ? brokerName : <RouterLink href={`/brokers/${brokerId}`}>{brokerName}</RouterLink>,
        },
        { id: 'region', header: words.region, minWidth: 120, cell: ({ region }) => region },
        {
          id: 'availability',
          header: words.availability,
          minWidth: 120,
          cell: ({ availability: { percentage } }) => (percentage === undefined ? words.unknown : `${percentage} %`),
        },
        {
          id: 'deleted',
          header: words.deletedAt,
          minWidth: 120,
          cell: ({ deleted }) => (deleted ? deleted.slice(0, 10) : text.common.none),
        },
        { id: 'cost', header: words.amount(currency), minWidth: 120, cell: (one) => cost(one) },
      ]}
    />
  );
}

interface DayProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

function Day({ label, value, onChange }: DayProps) {
  return (
    <FormField label={label} constraintText="YYYY-MM-DD">
      <DatePicker
        value={value}
        format="iso"
        placeholder={label === words.to ? words.now : ''}
        openCalendarAriaLabel={(chosen) => (chosen ? `${label}: ${chosen}` : label)}
        previousMonthAriaLabel={text.configurations.pages.previous}
        nextMonthAriaLabel={text.configurations.pages.next}
        todayAriaLabel={words.today}
        onChange={({ detail }) => onChange(detail.value)}
      />
    </FormField>
  );
}
