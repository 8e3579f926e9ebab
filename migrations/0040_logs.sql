-- Logs of brokers, in the form of Amazon CloudWatch Logs. Moments are microseconds since 1970. Locks broker for a moment.

create table log_group (
    id             bigint generated always as identity primary key,
    account        text not null,
    region         text not null,
    name           text not null,
    created        bigint not null,
    -- Null: as long as the operator says.
    retention_days integer check (retention_days > 0),
    tags           jsonb not null default '{}',
    unique (account, region, name)
);

create table log_stream (
    id            bigint generated always as identity primary key,
    -- Null: it was deleted, and its events are to be.
    group_id      bigint references log_group on delete set null,
    name          text not null,
    created       bigint not null,
    first_at      bigint,
    last_at       bigint,
    last_ingested bigint,
    -- Of all events that it has ever had.
    bytes         bigint not null default 0,
    -- Of the last event. Events are numbered from 1 on.
    position      bigint not null default 0,
    unique (group_id, name)
);
create index log_stream_deleted on log_stream (id) where group_id is null;

-- A partition for each day of UTC, which is dropped when no group keeps events for so long.
create table log_event (
    stream_id bigint not null,
    at        bigint not null,
    position  bigint not null,
    ingested  bigint not null,
    message   text not null,
    primary key (stream_id, at, position)
) partition by range (at);

-- Makes the partition of a day, a number of days since 1970. Attached afterwards, because that does not wait for readers.
create function ensure_log_partition(day bigint) returns void language plpgsql as $$
declare
    name text := 'log_event_' || day;
    micros bigint := 86400000000;
begin
    if to_regclass(name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('brokerd log partitions'));
    if to_regclass(name) is not null then
        return;
    end if;
    execute format('create table %I (like log_event including all)', name);
    execute format('alter table log_event attach partition %I for values from (%s) to (%s)',
                   name, day * micros, (day + 1) * micros);
end $$;

-- How far the output of a container was read. Written with the lines, by whoever read them from `version` on.
create table log_position (
    container      text primary key,
    broker_id      uuid not null references broker on delete cascade,
    ordinal        smallint not null,
    version        bigint not null,
    -- Nanoseconds since 1970, and how many lines of that moment were read.
    stdout_at      bigint not null,
    stdout_ordinal integer not null,
    stderr_at      bigint not null,
    stderr_ordinal integer not null,
    -- To which log lines belong that do not say so themselves.
    category       text not null,
    -- Bytes that were kept of the broker's logs on that day of UTC, a number of days since 1970.
    day            bigint not null,
    day_bytes      bigint not null
);
create index log_position_of_broker on log_position (broker_id, ordinal);

-- Since when logs of a broker are published; null: that log is not. A broker without a row publishes none.
create table log_setting (
    broker_id     uuid primary key references broker on delete cascade,
    general_since bigint,
    audit_since   bigint
);

-- A trigger notes it, because then no writer of a specification can forget to. Logs of a broker that is created, or of
-- ActiveMQ, which is made anew for such a change, begin with an instance's first line; those of RabbitMQ with the change.
create function note_log_setting() returns trigger language plpgsql as $$
declare
    since bigint := case
        when tg_op = 'INSERT' or new.spec ->> 'engine_type' = 'ACTIVEMQ' then 0
        else (extract(epoch from clock_timestamp()) * 1000000)::bigint end;
    general bigint := case when (new.spec -> 'logs' ->> 'general')::boolean then since end;
    audit bigint := case when (new.spec -> 'logs' ->> 'audit')::boolean then since end;
begin
    if general is null and audit is null then
        delete from log_setting where broker_id = new.id;
    else
        insert into log_setting (broker_id, general_since, audit_since) values (new.id, general, audit)
        on conflict (broker_id) do update set
            general_since = case when general is not null then coalesce(log_setting.general_since, general) end,
            audit_since = case when audit is not null then coalesce(log_setting.audit_since, audit) end;
    end if;
    return null;
end $$;
create trigger note_log_setting_of_new after insert on broker
    for each row when (new.spec -> 'logs' is not null) execute function note_log_setting();
create trigger note_log_setting after update of spec on broker
    for each row when (old.spec -> 'logs' is distinct from new.spec -> 'logs') execute function note_log_setting();

insert into log_setting (broker_id, general_since, audit_since)
select id,
       case when (spec -> 'logs' ->> 'general')::boolean then (extract(epoch from now()) * 1000000)::bigint end,
       case when (spec -> 'logs' ->> 'audit')::boolean then (extract(epoch from now()) * 1000000)::bigint end
from broker
where (spec -> 'logs' ->> 'general')::boolean or (spec -> 'logs' ->> 'audit')::boolean;
