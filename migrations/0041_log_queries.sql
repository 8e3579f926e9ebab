-- Queries of CloudWatch Logs Insights and what they have found, so that any process answers for them. Locks nothing.

create table log_query (
    id       uuid primary key,
    account  text not null,
    region   text not null,
    -- Names of log groups.
    groups   text[] not null,
    query    text not null,
    -- Microseconds since 1970.
    created  bigint not null,
    complete boolean not null,
    results  jsonb not null,
    matched  bigint not null,
    scanned  bigint not null,
    bytes    bigint not null
);
create index log_query_of_account on log_query (account, region, created desc);
create index log_query_by_age on log_query (created);
