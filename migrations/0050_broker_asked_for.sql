-- What a broker was asked for as, of those whose call had an idempotency token: a repeated call is compared with that, because
-- the broker may have been changed meanwhile. Null: from before, compared with the broker as it is. Locks the table for a moment.

alter table broker add column asked_for jsonb;
