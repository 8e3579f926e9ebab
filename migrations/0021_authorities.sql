-- Several certificate authorities: the one that issues, those that have issued, and one that is to issue. All of them are trusted.
-- Moments are microseconds since 1970. The table has one row, so that the lock is held for a moment.

alter table certificate_authority
    drop column singleton,
    -- A key is sealed for its row's id.
    add column id bigint not null default 1,
    -- The last one of those whose moment has come issues.
    add column issues_from bigint not null default 0;
alter table certificate_authority
    alter column id drop default,
    alter column issues_from drop default,
    add primary key (id);
