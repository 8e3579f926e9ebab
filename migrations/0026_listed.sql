-- What ListBrokers tells of a broker, worked out when the broker is written: documents of a hundred brokers took the
-- server longer to read than everything else of the request. NULL: the document has no such member. None of them
-- fails on a document that makes no sense, so that this one broker can't be listed, and all others can.
-- Locks the table and writes all of it again: some seconds for a hundred thousand brokers.

alter table broker
    add column engine_type text generated always as (spec->>'engine_type') stored,
    add column deployment_mode text generated always as (spec->>'deployment_mode') stored,
    add column host_instance_type text generated always as (spec->>'host_instance_type') stored,
    add column has_run boolean not null
        generated always as (status->>'observed_generation' is not null) stored,
    add column has_failed boolean not null generated always as (status->>'failure' is not null) stored,
    add column is_rebooting boolean not null generated always as (
        reboots_requested > case jsonb_typeof(status->'reboots_done')
                                when 'number' then (status->>'reboots_done')::numeric else 0 end) stored,
    add column needs_action boolean not null generated always as (
        coalesce(status->'actions_required', '[]') not in ('[]', 'null')) stored,
    add column has_pending boolean not null generated always as (
        pending <> '{}' or configurations->>'pending' is not null) stored;
