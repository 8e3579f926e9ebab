-- An endpoint may lead to several engines, between which the gateway balances. The table is small and the provisioner
-- writes the targets anew, so nothing is carried over but what is known.

alter table endpoint add column targets jsonb not null default '[]';
update endpoint set targets = jsonb_build_array(target) where target is not null;
alter table endpoint drop column target;
