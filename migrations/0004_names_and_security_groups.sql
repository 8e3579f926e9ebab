-- Endpoints with host names of their own share the standard ports: a port belongs to one endpoint only where there is
-- no name. The table is small, and the locks are held for a moment.

alter table endpoint
    add column host text,
    drop constraint endpoint_pkey,
    drop constraint endpoint_broker_id_ordinal_protocol_key,
    add primary key (broker_id, ordinal, protocol);
create unique index endpoint_by_port on endpoint (port) where host is null;
create unique index endpoint_by_host on endpoint (host, port) where host is not null;

-- A deleted group stays behind without rules: what still refers to it must not become open to everybody.
create table security_group (
    account     text not null,
    region      text not null,
    id          text not null,
    name        text not null,
    description text not null,
    rules       jsonb not null,
    created     bigint not null,
    deleted     boolean not null default false,
    primary key (account, region, id)
);
create unique index security_group_by_name on security_group (account, region, name) where not deleted;
