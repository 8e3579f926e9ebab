-- Which brokers' part of the gateways' table changed in which transaction, so that a gateway reads those and not all of
-- them. Triggers note it, because then no writer can forget to. Locks endpoint, broker, security_group and fault for a
-- moment; nothing is rewritten.

create table route_change (
    -- Without a reference: that a broker is gone is a change, too.
    broker_id uuid primary key,
    changed   xid8 not null,
    at        timestamptz not null default now()
);
create index route_change_by_transaction on route_change (changed);

create function note_route_changes(brokers uuid[]) returns void language sql as $$
    insert into route_change (broker_id, changed)
    select id, pg_current_xact_id() from unnest(brokers) as named (id) order by id
    on conflict (broker_id) do update set changed = excluded.changed, at = excluded.at
    where route_change.changed <> excluded.changed
$$;

create function note_changed_endpoint() returns trigger language plpgsql as $$
begin
    perform note_route_changes(array[coalesce(new.broker_id, old.broker_id)]);
    return null;
end $$;
create trigger note_route_change after insert or update or delete on endpoint
    for each row execute function note_changed_endpoint();

create function note_changed_broker() returns trigger language plpgsql as $$
begin
    perform note_route_changes(array[new.id]);
    return null;
end $$;
create trigger note_route_change after update of spec, instances on broker
    for each row when (old.spec is distinct from new.spec or old.instances is distinct from new.instances)
    execute function note_changed_broker();

create function note_changed_group() returns trigger language plpgsql as $$
begin
    perform note_route_changes(array(
        select id from broker
        where account = new.account and region = new.region and spec -> 'security_groups' ? new.id));
    return null;
end $$;
create trigger note_route_change after insert or update of rules, deleted on security_group
    for each row execute function note_changed_group();

create function note_changed_fault() returns trigger language plpgsql as $$
begin
    -- One that was over before led nobody anywhere.
    if tg_op <> 'DELETE' or old.ended is null then
        perform note_route_changes(array[coalesce(new.broker_id, old.broker_id)]);
    end if;
    return null;
end $$;
create trigger note_route_change after insert or update or delete on fault
    for each row execute function note_changed_fault();

-- What is deleted by its age is found by it.
create index forgotten_broker_by_age on forgotten_broker (at);
create index fault_by_end on fault (ended) where ended is not null;
