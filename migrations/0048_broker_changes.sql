-- Which transaction changed a broker, or a fault of one, for whoever shows brokers to people. It is noted in the row that is
-- changed, so that nobody has to lock another one. Locks broker and fault for a moment; nothing is rewritten.

alter table broker add column changed xid8;
alter table fault add column changed xid8;
create index broker_by_change on broker (changed) where changed is not null;
create index fault_by_change on fault (changed) where changed is not null;

create function note_change() returns trigger language plpgsql as $$
begin
    new.changed := pg_current_xact_id();
    return new;
end $$;
create trigger note_change before insert or update on broker for each row execute function note_change();
create trigger note_change before insert or update on fault for each row execute function note_change();

-- Brokers that are gone, for as long as somebody may still show them. A row is only ever inserted by whoever deletes the
-- broker, and so waits for nobody.
create table removed_broker (
    broker_id uuid primary key,
    account   text not null,
    region    text not null,
    changed   xid8 not null default pg_current_xact_id(),
    at        timestamptz not null default now()
);
create index removed_broker_by_change on removed_broker (changed);

create function note_removed_broker() returns trigger language plpgsql as $$
begin
    -- One of the same identifier may have been there before, in a database that was restored.
    insert into removed_broker (broker_id, account, region) values (old.id, old.account, old.region)
    on conflict (broker_id) do update set changed = excluded.changed, at = excluded.at;
    return null;
end $$;
create trigger note_removed_broker after delete on broker for each row execute function note_removed_broker();
