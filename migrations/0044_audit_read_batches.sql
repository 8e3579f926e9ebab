-- Events of calls that only read come in batches, a row for each, because nothing about them changes any more and there are many.
-- Moments are microseconds since 1970. Those that are in audit_event already stay there.

create table audit_read_batch (
    id        bigint generated always as identity primary key,
    account   text not null,
    region    text not null,
    -- Whether the events are told in every region: those of IAM and STS.
    is_global boolean not null,
    -- Whether the operator's log has the events.
    complete  boolean not null,
    -- Of the first and of the last event. There are at most ten seconds between them.
    first_at  bigint not null,
    last_at   bigint not null,
    -- How many events there are.
    events    integer not null,
    -- What may be in it: names, services, callers, keys, resources. Who looks for others need not read the content.
    terms     text[] not null,
    -- The events, as JSON.
    content   text not null,
    check (first_at <= last_at and events > 0)
);
-- LookupEvents reads an account's batches, newest first.
create index audit_read_batch_of_account on audit_read_batch (account, last_at desc, id desc) include (first_at);
create index audit_read_batch_by_age on audit_read_batch (last_at);
create index audit_read_batch_incomplete on audit_read_batch (last_at) where not complete;

-- The quicker compression, which not every server is built with.
do $$
begin
    alter table audit_read_batch alter column content set compression lz4;
exception when feature_not_supported then
    null;
end $$;
