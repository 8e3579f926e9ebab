-- What configurations name by ARN: passwords, certificates, keys, sealed. Moments are microseconds since 1970. Locks nothing: the
-- table is new.

create table secret (
    account text not null,
    region  text not null,
    name    text not null,
    suffix  text not null,
    value   bytea not null,
    created bigint not null,
    changed bigint not null,
    primary key (account, region, name)
);
