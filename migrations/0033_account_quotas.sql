-- What each broker counts against its account's quotas of memory and storage, and how much an account has of both. What waits
-- for a reboot counts as soon as it is asked for, and what is in force until it is left: the larger one of both. Locks account
-- and broker for a moment.

alter table broker
    add column memory_mib  integer not null default 0,
    add column storage_gib integer not null default 0;

-- The instance types of this day. What comes later is counted by brokerd.
with tier (name, memory_gib, store_gib, node_gib) as (
    values ('mq.t3.micro', 1, 20, null), ('mq.m5.large', 8, 200, null), ('mq.m5.xlarge', 16, 200, null),
           ('mq.m5.2xlarge', 32, 200, null), ('mq.m5.4xlarge', 64, 200, null), ('mq.m7g.medium', 4, 200, 5),
           ('mq.m7g.large', 8, 200, 15), ('mq.m7g.xlarge', 16, 200, 25), ('mq.m7g.2xlarge', 32, 200, 45),
           ('mq.m7g.4xlarge', 64, 200, 90), ('mq.m7g.8xlarge', 128, 200, 175), ('mq.m7g.12xlarge', 192, 200, 260),
           ('mq.m7g.16xlarge', 256, 200, 345)
), mode (name, instances, disks) as (
    values ('SINGLE_INSTANCE', 1, 1), ('ACTIVE_STANDBY_MULTI_AZ', 2, 1), ('CLUSTER_MULTI_AZ', 3, 3)
), counted as (
    select broker.id,
           max(mode.instances * tier.memory_gib * 1024) as memory_mib,
           max(mode.disks * case when mode.name = 'CLUSTER_MULTI_AZ'
                 then coalesce(case when tier.node_gib is not null then (spec.value ->> 'storage_size')::integer end,
                               tier.node_gib, tier.store_gib)
                 else tier.store_gib end) as storage_gib
    from broker
    cross join lateral (values (broker.spec), (broker.spec || broker.pending)) as spec (value)
    join tier on tier.name = spec.value ->> 'host_instance_type'
    join mode on mode.name = spec.value ->> 'deployment_mode'
    group by broker.id
)
update broker set memory_mib = counted.memory_mib, storage_gib = counted.storage_gib
from counted where counted.id = broker.id;

alter table account
    add column memory_mib  bigint not null default 0,
    add column storage_gib bigint not null default 0;
update account set memory_mib = sums.memory_mib, storage_gib = sums.storage_gib
from (select account, sum(memory_mib) as memory_mib, sum(storage_gib) as storage_gib from broker group by account) as sums
where sums.account = account.id;

-- Whoever creates a broker is refused here. Whoever changes one asks afterwards, in the same transaction, because what the
-- provisioner records must never be refused.
create or replace function count_broker() returns trigger language plpgsql as $$
declare
    counted account%rowtype;
    quota   text;
begin
    if tg_op = 'DELETE' then
        update account set brokers = brokers - 1, memory_mib = memory_mib - old.memory_mib,
                           storage_gib = storage_gib - old.storage_gib
        where id = old.account;
        return null;
    end if;
    if tg_op = 'UPDATE' then
        update account set memory_mib = memory_mib + new.memory_mib - old.memory_mib,
                           storage_gib = storage_gib + new.storage_gib - old.storage_gib
        where id = new.account;
        return null;
    end if;
    -- Waits for whoever creates one in the same account, and then sees that one, too.
    update account set brokers = brokers + 1, memory_mib = memory_mib + new.memory_mib,
                       storage_gib = storage_gib + new.storage_gib
    where id = new.account
    returning * into counted;
    quota := case
        when counted.brokers > counted.most_brokers then 'broker_account_quota'
        when counted.memory_mib > counted.most_memory_mib then 'broker_memory_quota'
        when counted.storage_gib > counted.most_storage_gib then 'broker_storage_quota'
    end;
    if quota is not null then
        raise exception 'account % has as much as it may have', new.account
            using errcode = 'check_violation', table = 'broker', constraint = quota;
    end if;
    return null;
end $$;

create trigger count_broker_change after update of memory_mib, storage_gib on broker
    for each row when ((old.memory_mib, old.storage_gib) is distinct from (new.memory_mib, new.storage_gib))
    execute function count_broker();
