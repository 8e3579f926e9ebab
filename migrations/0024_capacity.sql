-- What instances may use of their host together, as the provisioner tells it, and what each broker has of that.
create table host (
    singleton     boolean primary key default true check (singleton),
    memory_bytes  bigint not null,
    scale         double precision not null,
    wait_seconds  bigint not null
);

create table reservation (
    broker_id     uuid primary key references broker (id) on delete cascade,
    instances     smallint not null,
    -- The instance type that there is room for; none: the broker waits.
    instance_type text,
    -- Since when it waits, in microseconds since 1970, and how many bytes were missing when that was last looked at.
    waits_since   bigint,
    missing_bytes bigint not null default 0,
    check ((instance_type is null) = (waits_since is not null))
);

create index reservation_by_age on reservation (waits_since, broker_id) where waits_since is not null;

-- Brokers that are there keep what they have.
insert into reservation (broker_id, instances, instance_type)
select id,
       case spec ->> 'deployment_mode'
         when 'CLUSTER_MULTI_AZ' then 3 when 'ACTIVE_STANDBY_MULTI_AZ' then 2 else 1 end,
       case when reboots_requested > coalesce((status ->> 'reboots_done')::bigint, 0)
         then coalesce(pending ->> 'host_instance_type', spec ->> 'host_instance_type')
         else spec ->> 'host_instance_type' end
from broker
where status ->> 'failure' is null or status ->> 'observed_generation' is not null;
