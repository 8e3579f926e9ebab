-- What brokers measure. Locks nothing: none of these tables existed before.
--
-- A row of samples has the values of a broker in one minute, or their statistics in a longer while, in the encoding of
-- store/src/metrics/encoding.rs: a row per value would be mostly row. Moments are minutes since 1970.

-- A broker that has measured something. It outlives its broker, as CloudWatch's metrics do.
create table metric_source (
    id        integer generated always as identity primary key,
    broker_id uuid not null unique,
    account   text not null,
    region    text not null,
    -- Places are never given again, because rows of what was deleted have values in them.
    next_slot integer not null default 0
);
create index metric_source_by_scope on metric_source (account, region);

-- A series, by its place in the rows of its broker.
create table metric_series (
    source     integer not null references metric_source on delete cascade,
    slot       integer not null,
    -- A hash of metric and dimensions: all series of the same name have the same one.
    key        uuid not null,
    metric     text not null,
    -- Names and values.
    dimensions jsonb not null,
    unit       text not null,
    -- Not exact: it is written every half an hour.
    last_at    integer not null,
    primary key (source, slot),
    unique (key, source)
);

-- Values of each minute; statistics of five minutes and of an hour.
create table metric_minute (
    source  integer not null,
    at      integer not null,
    samples bytea not null,
    primary key (source, at)
) partition by range (at);
create table metric_five_minutes (like metric_minute including all) partition by range (at);
create table metric_hour (like metric_minute including all) partition by range (at);
-- What is rolled up is found by time; rows come in its order.
create index metric_minute_by_time on metric_minute using brin (at) with (pages_per_range = 16, autosummarize = on);
create index metric_five_minutes_by_time on metric_five_minutes
    using brin (at) with (pages_per_range = 16, autosummarize = on);

-- How far each table is filled, and from when on it is kept.
create table metric_table (
    minutes     integer primary key,
    filled_to   integer not null default 0,
    kept_from   integer not null default 0
);
insert into metric_table (minutes) values (1), (5), (60);
