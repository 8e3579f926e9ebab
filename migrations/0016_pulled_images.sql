-- Which image a name of a registry stood for when it was last here: what is pulled under that name again, if it is not here any
-- more.
create table pulled_image (
    image  text primary key,
    digest text not null,
    since  bigint not null
);

-- Whether the image of an offered version has brokerd's launcher. The table is written anew by the provisioner at its start.
alter table offering add column launcher boolean not null default true;
alter table offering alter column launcher drop default;
