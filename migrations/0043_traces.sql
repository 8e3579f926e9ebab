-- The trace of the request that made a broker due, so that the passes that it causes belong to it: a `traceparent` of W3C
-- Trace Context. A transaction that is traced names it in brokerd.trace; the trigger notes it, because then no statement
-- that wakes a broker can forget to. Locks reconcile for a moment.

alter table reconcile add column trace text;

create function note_trace() returns trigger language plpgsql as $$
begin
    new.trace := coalesce(nullif(current_setting('brokerd.trace', true), ''), new.trace);
    return new;
end $$;
create trigger note_trace before insert or update of wakes on reconcile
    for each row execute function note_trace();
