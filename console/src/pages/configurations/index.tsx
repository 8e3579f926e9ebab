// The configurations of the account in the region.
import Button from '@cloudscape-design/components/button';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { CopyText } from '../../shared/CopyText';
import { RouterLink } from '../../shared/RouterLink';
import { ServerTable } from '../../shared/ServerTable';
import { Ago } from '../../shared/Time';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { CreateConfiguration } from './CreateConfiguration';
import { keys, MAX_ON_A_PAGE, readPage, type Summary } from './data';
import { strategy } from './strategy';

const words = text.configurations;
const engine = (one: Summary) => `${one.engineType} ${one.engineVersion}`;

const columns = [
  {
    id: 'name',
    header: words.name,
    isRowHeader: true,
    minWidth: 160,
    cell: (one: Summary) => <RouterLink href={`/configurations/${one.id}`}>{one.name}</RouterLink>,
  },
  { id: 'engine', header: words.engine, minWidth: 130, cell: engine },
  {
    id: 'strategy',
    header: words.strategy,
    minWidth: 140,
    cell: (one: Summary) => strategy(one.authenticationStrategy),
  },
  { id: 'latest', header: words.latest, minWidth: 140, cell: (one: Summary) => one.latestRevision.revision },
  {
    id: 'changed',
    header: words.changedAt,
    minWidth: 130,
    cell: (one: Summary) => <Ago value={one.latestRevision.created} />,
  },
  { id: 'created', header: words.createdAt, minWidth: 130, cell: (one: Summary) => <Ago value={one.created} /> },
  { id: 'id', header: words.id, minWidth: 220, cell: (one: Summary) => <CopyText value={one.id} label={words.id} /> },
];

export default function Page() {
  const [isCreating, setCreating] = useState(false);
  const queries = useQueryClient();
  const flash = useFlash();
  const [, navigate] = useLocation();
  return (
    <>
      <ServerTable
        queryKey={keys.list}
        read={readPage}
        mostOnAPage={MAX_ON_A_PAGE}
        searched={(one) => [one.name, one.id, engine(one)]}
        columns={columns}
        trackBy="id"
        title={words.title}
        headingLevel="h1"
        variant="full-page"
        description={words.intro}
        filterLabel={words.filter}
        empty={words.empty}
        emptyHelp={words.emptyHelp}
        sizeKey="configurations"
        actions={
          <Button variant="primary" onClick={() => setCreating(true)}>
            {words.create}
          </Button>
        }
      />
      {isCreating ? (
        <CreateConfiguration
          onClose={() => setCreating(false)}
          onCreated={({ id, name }) => {
            void queries.invalidateQueries({ queryKey: keys.list });
            flash.done(words.created(name));
            navigate(`/configurations/${id}`);
          }}
        />
      ) : null}
    </>
  );
}
