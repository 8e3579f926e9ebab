-- The first tables. Locks nothing: none of them existed before.

create table installation (
    singleton boolean primary key default true check (singleton),
    id        text not null
);

create table certificate_authority (
    singleton       boolean primary key default true check (singleton),
    certificate_pem text not null,
    private_key     bytea not null
);

create table access_key (
    id      text primary key,
    account text not null,
    secret  bytea not null,
    created bigint not null
);

-- What the provisioner found: the versions whose image is there.
create table offering (
    engine       text not null,
    version      text not null,
    true_version text not null,
    image        text not null,
    primary key (engine, version)
);

create table configuration (
    id                      uuid primary key,
    account                 text not null,
    region                  text not null,
    name                    text not null,
    engine_type             text not null,
    engine_version          text not null,
    authentication_strategy text not null,
    created                 bigint not null,
    tags                    jsonb not null default '{}'
);
create index configuration_by_scope on configuration (account, region, created, id);

create table configuration_revision (
    configuration_id uuid not null references configuration on delete cascade,
    revision         integer not null check (revision > 0),
    created          bigint not null,
    description      text,
    data             text not null,
    primary key (configuration_id, revision)
);

-- Moments are microseconds since 1970, as the API reports them.
create table broker (
    id                 uuid primary key,
    account            text not null,
    region             text not null,
    name               text not null,
    created            bigint not null,
    creator_request_id text,
    spec               jsonb not null,
    configurations     jsonb not null,
    tags               jsonb not null,
    status             jsonb not null default '{}',
    instances          jsonb not null default '[]',
    deleting           boolean not null default false,
    generation         bigint not null default 1,
    reboots_requested  bigint not null default 0,
    unique (account, region, name)
);
create index broker_by_scope on broker (account, region, created, id);

create table broker_user (
    broker_id        uuid not null references broker on delete cascade,
    username         text not null,
    password         bytea not null,
    groups           jsonb not null default '[]',
    console_access   boolean not null,
    replication_user boolean not null,
    -- RabbitMQ owns its users: its first administrator is kept, but not listed.
    listed           boolean not null,
    pending_change   text,
    primary key (broker_id, username)
);

-- What was issued for a broker and can't be made again; sealed.
create table broker_secret (
    broker_id uuid primary key references broker on delete cascade,
    materials bytea not null
);

-- The gateway's table: who a port belongs to, and where it leads.
create table endpoint (
    port      integer primary key,
    broker_id uuid not null references broker on delete cascade,
    ordinal   smallint not null,
    protocol  text not null,
    target    text,
    unique (broker_id, ordinal, protocol)
);

-- One row per broker, not per event: ten changes at once are one pass.
create table reconcile (
    broker_id        uuid primary key references broker on delete cascade,
    due_at           timestamptz not null default now(),
    wakes            bigint not null default 0,
    attempt          integer not null default 0,
    lease_holder     uuid,
    lease_epoch      bigint not null default 0,
    lease_expires_at timestamptz
);
create index reconcile_by_due on reconcile (due_at);

create table event (
    id        bigint generated always as identity primary key,
    broker_id uuid not null references broker on delete cascade,
    at        bigint not null,
    kind      text not null,
    message   text not null
);
create index event_by_broker on event (broker_id, id desc);
