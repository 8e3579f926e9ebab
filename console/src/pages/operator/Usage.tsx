// What an account has of its quotas, and what it cost this month.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Modal from '@cloudscape-design/components/modal';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client';
import { share } from '../../model/quota';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import type { Account } from './Accounts';

const NAMES = ['brokers', 'memoryMib', 'storageGib'] as const;
const numbers = new Intl.NumberFormat('en');

function useUsage(account: Account, from?: string) {
  const query = from ? { from } : {};
  return useQuery({
    queryKey: ['account-usage', account.accountId, from ?? ''],
    queryFn: async () => {
      const path = { 'account-id': account.accountId };
      const usage = await answer(api.GET('/brokerd/v1/accounts/{account-id}/usage', { params: { path, query } }));
      // It would be CSV if that had been asked for.
      return usage as Schemas['DescribeAccountUsageResponse'];
    },
    staleTime: 30_000,
  });
}

/** One figure of the usage. All cells of an account share one call. */
export function UsageCell({ account, name }: { account: Account; name: (typeof NAMES)[number] }) {
  const { data } = useUsage(account);
  if (!data) return <>{text.common.none}</>;
  const { used, quota } = data[name];
  const [has, may] = [numbers.format(used), numbers.format(quota ?? 0)];
  return <>{quota === undefined ? has : text.operator.used(has, may)}</>;
}

export function UsageDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const [from] = useState(() => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)).toISOString();
  });
  const query = useUsage(account, from);
  return (
    <Modal
      visible
      size="medium"
      header={text.operator.usageTitle(account.name)}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onClose}>
            {text.common.close}
          </Button>
        </Box>
      }
    >
      {query.isPending ? <Loading /> : null}
      {query.isError ? <Problem error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.data ? (
        <SpaceBetween size="l">
          {NAMES.map((name) => {
            const { used, quota } = query.data[name];
            const percent = share(used, quota);
            const label = text.operator.quota[name];
            if (percent === undefined) {
              const value = `${numbers.format(used)} (${text.operator.unlimited})`;
              return <KeyValuePairs key={name} items={[{ label, value }]} />;
            }
            return (
              <ProgressBar
                key={name}
                label={label}
                value={percent}
                additionalInfo={text.operator.used(numbers.format(used), numbers.format(quota ?? 0))}
              />
            );
          })}
          {query.data.history ? <Cost history={query.data.history} /> : null}
        </SpaceBetween>
      ) : null}
    </Modal>
  );
}

function Cost({ history }: { history: Schemas['UsageHistoryView'] }) {
  const { cost, missing } = history.total;
  return (
    <SpaceBetween size="s">
      <Header variant="h3" description={text.operator.costHelp}>
        {text.operator.costTitle}
      </Header>
      <Box variant="awsui-value-large">{cost ? `${history.currency} ${cost}` : text.operator.costUnknown}</Box>
      {missing.map((sentence) => (
        <Box key={sentence} color="text-body-secondary">
          {sentence}
        </Box>
      ))}
      <KeyValuePairs items={[{ label: text.operator.brokersOfMonth, value: numbers.format(history.brokers.length) }]} />
    </SpaceBetween>
  );
}
