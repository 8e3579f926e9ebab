-- Why what waits for a reboot was not applied when it was last tried: it goes on waiting, with the reason, until its
-- owner corrects it or tries again. Null: it has not been tried.

alter table broker
    add column not_applied text;
