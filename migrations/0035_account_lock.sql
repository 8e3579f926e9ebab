-- The row of an account neither counts its brokers any more, nor is it locked by whoever puts something into the account.
-- Counted, one creation at a time would be made, because the row is locked until the commit is flushed. Shared, a row keeps a
-- list of all who hold it, which each has to write anew. Locks account and broker for a moment.

drop trigger count_broker_change on broker;
drop trigger count_broker on broker;
drop function count_broker();
-- Processes of the former build read brokers, memory_mib and storage_gib of account while they are replaced: the columns stay,
-- as they are, and are removed by a later release.

-- Whoever creates a broker in an account with quotas waits for whoever else does, and then sees that one, too: what it counts
-- is exact. Where there are no quotas nobody waits, because a lock is held until the commit is flushed, and so one at a time
-- would be. Whoever changes a broker asks in its own transaction, because what the provisioner records must never be refused.
create function check_account_quotas() returns trigger language plpgsql as $$
declare
    quotas account%rowtype;
    used   record;
    quota  text;
begin
    select * into quotas from account
    where id = new.account and num_nonnulls(most_brokers, most_memory_mib, most_storage_gib) > 0
    for no key update;
    if not found then
        return null;
    end if;
    -- A statement of its own: it sees what was committed while this one waited.
    select count(*) as brokers, sum(memory_mib) as memory_mib, sum(storage_gib) as storage_gib into used
    from broker where account = new.account;
    quota := case
        when used.brokers > quotas.most_brokers then 'broker_account_quota'
        when used.memory_mib > quotas.most_memory_mib then 'broker_memory_quota'
        when used.storage_gib > quotas.most_storage_gib then 'broker_storage_quota'
    end;
    if quota is not null then
        raise exception 'account % has as much as it may have', new.account
            using errcode = 'check_violation', table = 'broker', constraint = quota;
    end if;
    return null;
end $$;
create trigger check_account_quotas after insert on broker for each row execute function check_account_quotas();

-- Held to the end of the transaction by who deletes an account: nobody puts anything into it meanwhile. An advisory lock is in
-- memory only.
create function lock_account(account text) returns void language sql volatile as $$
    select pg_advisory_xact_lock(hashtext('brokerd.account'), hashtext(account));
$$;

create or replace function account_is_there() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('brokerd.account'), hashtext(new.account));
    -- A statement of its own: it sees a deletion that this one has waited for.
    if exists (select from account where id = new.account and deleted is not null) then
        raise exception 'account % was deleted', new.account
            using errcode = 'check_violation', table = 'account', constraint = 'account_is_there';
    end if;
    return new;
end $$;
