-- How a fault ended. Of those that ended before, their events tell. Adds a column without a value: takes a lock, but no time.

alter table fault add column reason text;
