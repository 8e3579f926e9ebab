-- Which version serves the brokers of an offered one: another one if that stands in for it. The table has a
-- row for each version, and is locked for as long as that takes.
alter table offering add column runs text;
update offering set runs = version;
alter table offering alter column runs set not null;

-- What really runs for a broker, as it was last seen to serve. Its data are this version's: whatever is asked
-- for or configured later, no older RabbitMQ is started on them.
create table running_engine (
    broker_id    uuid primary key references broker on delete cascade,
    asked        text not null,
    version      text not null,
    true_version text not null,
    image        text not null,
    image_id     text not null,
    since        bigint not null
);
