-- How many brokers an account has, counted where rows come and go, because then no writer can forget to, and a count under the
-- lock of the account's row is exact however many are created at once. Locks account and broker for a moment.

alter table account add column brokers integer not null default 0;
update account set brokers = (select count(*) from broker where broker.account = account.id);

create function count_broker() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        update account set brokers = brokers - 1 where id = old.account;
        return null;
    end if;
    -- Waits for whoever creates one in the same account, and then sees that one, too.
    update account set brokers = brokers + 1
    where id = new.account and (most_brokers is null or brokers < most_brokers);
    if not found and exists (select from account where id = new.account) then
        raise exception 'account % has as many brokers as it may have', new.account
            using errcode = 'check_violation', table = 'broker', constraint = 'broker_account_quota';
    end if;
    return null;
end $$;
create trigger count_broker after insert or delete on broker
    for each row execute function count_broker();
