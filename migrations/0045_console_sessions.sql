-- Who is signed in to the web console. Of tokens only hashes are kept: whoever reads the table can't sign in with it. Moments
-- are microseconds since 1970. Locks access_key for a moment.

create table console_session (
    token_hash    text primary key,
    account       text not null,
    -- Who signed in, by the ARN of the caller.
    principal     text not null,
    access_key_id text not null,
    -- Of temporary credentials, as it was issued: sealed by the master key. null: a key that lasts.
    session_token text,
    created       bigint not null,
    -- When it ends unless it is used before, and when it ends anyway.
    idle_until    bigint not null,
    expires       bigint not null
);
create index console_session_of_principal on console_session (account, principal);
create index console_session_of_key on console_session (access_key_id, created);
create index console_session_by_end on console_session (least(idle_until, expires));

-- One-time links for signing in.
create table console_link (
    token_hash    text primary key,
    access_key_id text not null,
    expires       bigint not null
);
create index console_link_by_end on console_link (expires);

-- A key that does not sign ends what was begun with it, for good, whoever withdraws it. Rows are locked in one order, as
-- everywhere that several are deleted.
create function end_console_sessions_of_key() returns trigger language plpgsql as $$
begin
    delete from console_session where token_hash in (
        select token_hash from console_session where access_key_id = old.id order by token_hash for update);
    delete from console_link where token_hash in (
        select token_hash from console_link where access_key_id = old.id order by token_hash for update);
    return null;
end $$;
create trigger end_console_sessions after delete on access_key
    for each row execute function end_console_sessions_of_key();
create trigger end_console_sessions_of_inactive after update of state on access_key
    for each row when (new.state <> 'Active') execute function end_console_sessions_of_key();
