-- What was done, in the form of CloudTrail. The event of a call that changes something is written in the transaction of the
-- change; those of other calls come in batches. Moments are microseconds since 1970. Locks event for a moment.

create table audit_event (
    id            uuid primary key,
    at            bigint not null,
    account       text not null,
    region        text not null,
    source        text not null,
    name          text not null,
    read_only     boolean not null,
    -- Who called; null: what brokerd did on its own.
    username      text,
    access_key_id text,
    -- What it was about, as LookupEvents tells it.
    resources     jsonb not null,
    -- Whether how it ended is known, and the operator's log has it.
    complete      boolean not null,
    -- The record; null: what brokerd did on its own, of which the record is made when it is asked for.
    record        text,
    broker_id     uuid,
    message       text,
    check ((record is null) = (message is not null and broker_id is not null))
);
-- LookupEvents reads an account's events, newest first.
create index audit_event_of_account on audit_event (account, at desc, id desc);
create index audit_event_by_age on audit_event (at);
create index audit_event_incomplete on audit_event (at) where not complete;

-- What brokerd does on its own is told where a broker's history is written, because then nothing that writes it can forget to.
create function audit_broker_event() returns trigger language plpgsql as $$
begin
    insert into audit_event (id, at, account, region, source, name, read_only, resources, complete, broker_id, message)
    select gen_random_uuid(), new.at, b.account, b.region, 'amazonmq.amazonaws.com',
           case when new.kind = 'failure' then 'BrokerFailure'
                when new.message like 'the maintenance window began%' then 'BrokerMaintenance'
                when new.message like '%takes over%' then 'BrokerFailover'
                else 'BrokerStateChange' end,
           false,
           jsonb_build_array(
               jsonb_build_object('ResourceType', 'AWS::AmazonMQ::Broker', 'ResourceName',
                   'arn:aws:mq:' || b.region || ':' || b.account || ':broker:' || b.name || ':b-' || b.id),
               jsonb_build_object('ResourceType', 'AWS::AmazonMQ::Broker', 'ResourceName', 'b-' || b.id)),
           false, b.id, new.message
    from broker b where b.id = new.broker_id;
    return null;
end $$;
create trigger audit_broker_event after insert on event
    for each row when (new.kind <> 'request') execute function audit_broker_event();
