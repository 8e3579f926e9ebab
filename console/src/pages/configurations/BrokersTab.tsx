// The brokers that use a configuration, now or after their next reboot.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useInfiniteQuery } from '@tanstack/react-query';
import { BrokerStatus } from '../../shared/BrokerStatus';
import { Problem } from '../../shared/Problem';
import { RouterLink } from '../../shared/RouterLink';
import { text } from '../../text';
import { type Configuration, keys } from './data';
import { readUsers, type User } from './usage';

const words = text.configurations;

export function BrokersTab({ configuration }: { configuration: Configuration }) {
  const { id, engineType, latestRevision } = configuration;
  const latest = latestRevision.revision;
  const query = useInfiniteQuery({
    queryKey: keys.brokers(id),
    queryFn: ({ pageParam }) => readUsers(id, engineType, pageParam),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
  });
  const users = query.data?.pages.flatMap((page) => page.users) ?? [];
  const seen = query.data?.pages.reduce((sum, page) => sum + page.seen, 0) ?? 0;
  if (query.error) return <Problem error={query.error} onRetry={() => void query.refetch()} />;

  const current = ({ current: now, pending }: User) => {
    if (now === undefined) return pending === undefined ? words.former : text.common.none;
    const isOld = now < latest && pending !== latest;
    return (
      <SpaceBetween direction="horizontal" size="xs">
        {now}
        {isOld ? <StatusIndicator type="info">{words.isOld(latest)}</StatusIndicator> : null}
      </SpaceBetween>
    );
  };
  return (
    <Table
      items={users}
      trackBy="id"
      loading={query.isPending}
      loadingText={text.common.loading}
      enableKeyboardNavigation
      header={
        <Header
          variant="h2"
          counter={query.data && !query.hasNextPage ? `(${users.length})` : undefined}
          description={words.brokersHelp}
          actions={
            <Button
              iconName="refresh"
              ariaLabel={text.common.refresh}
              loading={query.isRefetching}
              onClick={() => void query.refetch()}
            />
          }
        >
          {words.brokers}
        </Header>
      }
      columnDefinitions={[
        {
          id: 'name',
          header: words.broker,
          isRowHeader: true,
          minWidth: 160,
          cell: (user) => <RouterLink href={`/brokers/${user.id}`}>{user.name}</RouterLink>,
        },
        { id: 'state', header: words.state, minWidth: 150, cell: (user) => <BrokerStatus state={user.state} /> },
        { id: 'current', header: words.current, minWidth: 200, cell: current },
        { id: 'pending', header: words.pending, minWidth: 160, cell: (user) => user.pending ?? text.common.none },
      ]}
      empty={
        <Box textAlign="center" padding="m">
          {words.brokersEmpty}
        </Box>
      }
      footer={
        query.hasNextPage ? (
          <Box textAlign="center">
            <SpaceBetween size="xs">
              {words.brokersPartly(seen)}
              <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                {words.brokersMore}
              </Button>
            </SpaceBetween>
          </Box>
        ) : null
      }
    />
  );
}
