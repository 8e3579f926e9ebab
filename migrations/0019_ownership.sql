-- A provisioner that lives. Whoever misses its end of term is taken for dead, and what it owned is free.
create table provisioner (
    id         uuid primary key,
    expires_at timestamptz not null
);

alter table reconcile
    -- The provisioner that watches the broker, and that alone claims it while it lives.
    add column owner uuid,
    -- Whether a pass must not wait behind ordinary work: a pair or a cluster that has run.
    add column urgent boolean not null default false;

create index reconcile_by_owner on reconcile (owner);
create index reconcile_by_lease on reconcile (lease_expires_at) where lease_expires_at is not null;
