-- Changes that wait for a reboot or a maintenance window. All new columns have constant defaults, so that no
-- table is rewritten and the locks are held for a moment.

alter table broker
    add column pending jsonb not null default '{}',
    add column window_changes jsonb not null default '{}',
    -- Of the directory's service account; sealed, both for the same place.
    add column ldap_password bytea,
    add column pending_ldap_password bytea,
    -- When a maintenance window last did something, in microseconds since 1970.
    add column maintained bigint;

alter table broker_user
    -- What the user may do after a pending UPDATE, and the new password, sealed for the same place.
    add column pending jsonb,
    add column pending_password bytea;

-- Brokers that are gone for good. What is left of them in the runtime may be removed; what belongs to a broker that
-- this database never knew, because it is empty or from an older backup, may not.
create table forgotten_broker (
    broker_id uuid primary key,
    at        timestamptz not null default now()
);
