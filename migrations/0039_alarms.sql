-- Alarms of Amazon CloudWatch. Moments are microseconds since 1970, but for what is due. Locks nothing: the tables are new.

create table alarm (
    id                 uuid primary key,
    account            text not null,
    region             text not null,
    name               text not null,
    spec               jsonb not null,
    tags               jsonb not null default '{}',
    -- When it was last configured, and how often.
    configured         bigint not null,
    revision           integer not null default 1,
    state              text not null,
    state_reason       text not null,
    state_reason_data  text,
    state_updated      bigint not null,
    state_transitioned bigint not null,
    -- When it is evaluated next. Whoever evaluates it moves that on first.
    due_at             timestamptz not null default now(),
    unique (account, region, name)
);
create index alarm_due on alarm (due_at);
create trigger account_is_there before insert on alarm for each row execute function account_is_there();

-- What happened to alarms. It outlives them.
create table alarm_history (
    id      bigint generated always as identity primary key,
    account text not null,
    region  text not null,
    alarm   text not null,
    at      bigint not null,
    kind    text not null,
    summary text not null,
    data    text not null
);
create index alarm_history_of_account on alarm_history (account, region, at desc, id desc);
create index alarm_history_of_alarm on alarm_history (account, region, alarm, at desc, id desc);
create index alarm_history_by_age on alarm_history (at);

-- Notifications that are not delivered yet.
create table alarm_delivery (
    id      uuid primary key,
    account text not null,
    region  text not null,
    alarm   text not null,
    state   text not null,
    action  text not null,
    subject text not null,
    message text not null,
    at      bigint not null,
    attempt integer not null default 0,
    due_at  timestamptz not null default now()
);
create index alarm_delivery_due on alarm_delivery (due_at);
