-- What engines of an account's brokers may connect to beyond their broker, and which authorities of directories they trust. Null: what
-- the installation permits and trusts. Locks the table for a moment.

alter table account
    add column outgoing              text[],
    add column directory_authorities text;
