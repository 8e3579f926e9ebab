-- Failovers and reboots in maintenance windows are kinds of their own in a broker's history, so that no reader goes by words.
-- When and for what an access key was last used. Locks event and access_key for a moment; the update reads event once.

update event set kind = 'failover' where kind = 'verdict' and message like 'failover: %';
update event set kind = 'maintenance' where kind = 'verdict' and message like 'the maintenance window began%';

create or replace function audit_broker_event() returns trigger language plpgsql as $$
begin
    insert into audit_event (id, at, account, region, source, name, read_only, resources, complete, broker_id, message)
    select gen_random_uuid(), new.at, b.account, b.region, 'amazonmq.amazonaws.com',
           case new.kind when 'failure' then 'BrokerFailure'
                         when 'maintenance' then 'BrokerMaintenance'
                         when 'failover' then 'BrokerFailover'
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

alter table access_key
    -- Microseconds since 1970, at most a minute before the truth; null: never since this is recorded.
    add column last_used         bigint,
    -- The name of the service in the signature, and its region.
    add column last_used_service text,
    add column last_used_region  text,
    add constraint access_key_last_used
        check (num_nonnulls(last_used, last_used_service, last_used_region) in (0, 3));
