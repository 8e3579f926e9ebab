-- What was promised and kept. These tables outlive their broker, and so refer to none. Moments are microseconds since 1970.
-- Locks provisioner and reconcile for a moment.

-- A broker as reports know it.
create table reported_broker (
    broker_id   uuid primary key,
    account     text not null,
    region      text not null,
    name        text not null,
    engine_type text not null,
    created     bigint not null,
    -- When DeleteBroker was accepted; null: it is there.
    deleted     bigint,
    -- Those that it had then.
    tags        jsonb not null default '{}'
);
create index reported_broker_of_account on reported_broker (account, created, broker_id);
create index reported_broker_by_end on reported_broker (deleted) where deleted is not null;

-- What was billed of a broker, and from when to when; the end is null while it lasts.
create table metered_interval (
    broker_id          uuid not null,
    began              bigint not null,
    ended              bigint,
    deployment_mode    text not null,
    host_instance_type text not null,
    storage_type       text not null,
    -- The size of each disk, where that is billed; null: what is stored is.
    disk_gib           integer
);
create index metered_interval_of_broker on metered_interval (broker_id, began);
create index metered_interval_by_end on metered_interval (ended);
create unique index metered_interval_open on metered_interval (broker_id) where ended is null;

-- Whether every endpoint of a broker answered, from its first time on.
create table availability_interval (
    broker_id uuid not null,
    began     bigint not null,
    ended     bigint,
    state     text not null,
    -- Why, where it did not.
    cause     text,
    detail    text
);
create index availability_interval_of_broker on availability_interval (broker_id, began);
create unique index availability_interval_open on availability_interval (broker_id) where ended is null;
create index availability_interval_by_end on availability_interval (ended);

-- The standby of a pair became its active instance.
create table failover (
    broker_id uuid not null,
    -- Since when nobody served, and until when.
    began     bigint not null,
    ended     bigint not null,
    former    smallint not null,
    successor smallint not null,
    cause     text not null,
    detail    text not null
);
create index failover_of_broker on failover (broker_id, began);
create index failover_by_end on failover (ended);

-- An instance neither served nor stood by.
create table instance_outage (
    broker_id uuid not null,
    ordinal   smallint not null,
    began     bigint not null,
    ended     bigint,
    -- How often its engine was started again meanwhile.
    restarts  integer not null,
    cause     text not null,
    detail    text not null
);
create index instance_outage_of_broker on instance_outage (broker_id, began);
create unique index instance_outage_open on instance_outage (broker_id, ordinal) where ended is null;
create index instance_outage_by_end on instance_outage (ended);

-- Nobody watched a broker: its provisioner had died, or was stopped.
create table watch_gap (
    broker_id uuid not null,
    began     bigint not null,
    ended     bigint not null
);
create index watch_gap_of_broker on watch_gap (broker_id, began);
create index watch_gap_by_end on watch_gap (ended);

-- The last sign of life of a provisioner, and since when nobody watches a broker; null: somebody does.
alter table provisioner add column seen_at timestamptz not null default now();
alter table reconcile add column unwatched_since timestamptz;

-- Brokers of this day are metered from now on: what they were before is not known.
insert into reported_broker (broker_id, account, region, name, engine_type, created)
select id, account, region, name, spec ->> 'engine_type', created from broker
where not deleting and spec ->> 'engine_type' is not null;
insert into metered_interval (broker_id, began, deployment_mode, host_instance_type, storage_type, disk_gib)
select id, (extract(epoch from now()) * 1000000)::bigint, spec ->> 'deployment_mode', spec ->> 'host_instance_type',
       spec ->> 'storage_type', case spec ->> 'engine_type' when 'RABBITMQ' then
         storage_gib / case spec ->> 'deployment_mode' when 'CLUSTER_MULTI_AZ' then 3 else 1 end end
from broker
where not deleting and (status ->> 'failure' is null or status ->> 'observed_generation' is not null)
  and num_nulls(spec ->> 'deployment_mode', spec ->> 'host_instance_type', spec ->> 'storage_type') = 0;
