-- What the image of an engine version is made of, as its label tells it: module=version,…; empty where it does not.
alter table offering add column modules text not null default '';
