-- The service's own codes, with their texts, for why what waits for a reboot was not applied, as [{"code", "info"}]. They go with
-- not_applied, and mean nothing where that is null.

alter table broker
    add column not_applied_actions jsonb not null default '[]';
