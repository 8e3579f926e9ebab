-- What callers do to their brokers on purpose. Moments are microseconds since 1970. A fault has struck when it says which
-- containers it is about, and is over when it says when. Locks nothing: the table is new.

create table fault (
    id        uuid primary key,
    broker_id uuid not null references broker on delete cascade,
    spec      jsonb not null,
    starts    bigint not null,
    ends      bigint not null,
    struck    jsonb,
    ended     bigint
);
create index fault_by_broker on fault (broker_id, starts desc, id);
create index fault_under_way on fault (broker_id) where ended is null;
