-- Accounts that were deleted. Their numbers are never given to others, because records and ARNs go on naming them; their names
-- are. Locks account for a moment.

alter table account add column deleted bigint;
drop index account_by_name;
create unique index account_by_name on account (lower(name)) where deleted is null;

-- Nothing comes into an account that was deleted in the same moment: whoever deletes it holds its row.
create function account_is_there() returns trigger language plpgsql as $$
declare
    deleted_at bigint;
begin
    select deleted into deleted_at from account where id = new.account for key share;
    if deleted_at is not null then
        raise exception 'account % was deleted', new.account
            using errcode = 'check_violation', table = 'account', constraint = 'account_is_there';
    end if;
    return new;
end $$;
create trigger account_is_there before insert on broker for each row execute function account_is_there();
create trigger account_is_there before insert on configuration for each row execute function account_is_there();
create trigger account_is_there before insert on security_group for each row execute function account_is_there();
create trigger account_is_there before insert on secret for each row execute function account_is_there();
create trigger account_is_there before insert on identity for each row execute function account_is_there();
create trigger account_is_there before insert on managed_policy for each row execute function account_is_there();
create trigger account_is_there before insert on access_key for each row execute function account_is_there();
