-- Whoever puts something into an account no longer locks the account's row: a row that many transactions share keeps a list of
-- all of them, which each has to write anew, and creations at the same time waited for one another. An advisory lock is in
-- memory only. Locks account for a moment.

-- Held to the end of the transaction by who deletes an account: nobody puts anything into it meanwhile.
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
