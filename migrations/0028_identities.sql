-- Who is in an account: its root, users, groups and roles, which IAM calls identities, and the keys of the root and of users.
-- The keys that are there become those of their accounts' roots. Locks access_key for a moment; it is small.

create table identity (
    -- AIDA…, AGPA…, AROA…; the root's is the account's own.
    id      text primary key,
    account text not null constraint identity_account references account,
    kind    text not null check (kind in ('root', 'user', 'group', 'role')),
    path    text not null default '/',
    name    text not null,
    created bigint not null,
    tags    jsonb not null default '{}',
    -- Of roles only.
    description     text not null default '',
    trust_policy    text,
    longest_session integer,
    -- Temporary credentials that were issued before are refused.
    sessions_valid_from bigint not null default 0,
    check ((kind = 'role') = (trust_policy is not null)),
    check ((kind = 'role') = (longest_session is not null))
);
-- Names differ in more than letter case.
create unique index identity_by_name on identity (account, kind, lower(name));

insert into identity (id, account, kind, name, created)
select id, id, 'root', 'root', created from account;

-- What refers to an identity keeps it from being deleted: the name of the constraint says what it is.
create table group_member (
    group_id text not null constraint group_member_group references identity,
    user_id  text not null constraint group_member_user references identity,
    primary key (group_id, user_id)
);
create index group_member_by_user on group_member (user_id);

alter table access_key
    add column identity_id text constraint access_key_identity references identity,
    add column state       text not null default 'Active',
    -- From when on it does not sign; null: never.
    add column expires     bigint;
update access_key set identity_id = account;
alter table access_key alter column identity_id set not null;
create index access_key_by_identity on access_key (identity_id);
