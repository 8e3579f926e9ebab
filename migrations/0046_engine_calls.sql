-- What is asked of the engines of brokers, and what they answer: the API and provisioners meet over it. Rows are there for moments.
-- Arguments and answers are sealed, because there are messages of brokers' users in them. Locks nothing: the table is new.

create table engine_call (
    id            uuid primary key,
    broker_id     uuid not null references broker (id) on delete cascade,
    -- list, browse, publish, purge, delete or test.
    kind          text not null,
    arguments     bytea not null,
    -- The ARN of who asks.
    requested_by  text not null,
    created       timestamptz not null default now(),
    -- Nobody waits for an answer after that.
    deadline      timestamptz not null,
    -- The provisioner that has begun, and until when it is waited for.
    claimed_by    uuid,
    claimed_until timestamptz,
    -- How many have begun.
    claims        integer not null default 0,
    answer        bytea,
    check (octet_length(arguments) <= 2097152),
    check (octet_length(answer) <= 2097152)
);
create index engine_call_of_broker on engine_call (broker_id);
create index engine_call_by_deadline on engine_call (deadline);
create index engine_call_open on engine_call (created) where answer is null;
