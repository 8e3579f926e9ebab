-- Accounts. Every account that has anything gets a row and is called by its number until the operator names it. Moments are
-- microseconds since 1970. Locks nothing: the table is new, and the others are read.

create table account (
    id          text primary key,
    name        text not null,
    state       text not null default 'ACTIVE',
    created     bigint not null,
    -- Quotas; null: what every account gets.
    most_brokers     integer,
    most_memory_mib  integer,
    most_storage_gib integer,
    most_api_rate    integer
);
create unique index account_by_name on account (lower(name));

insert into account (id, name, created)
select account, account, min(created)
from (select account, created from access_key
      union all select account, created from broker
      union all select account, created from configuration
      union all select account, created from security_group
      union all select account, created from secret) as belongs
group by account;
