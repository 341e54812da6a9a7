-- oldest binary: 0.3.0
-- When users were online last. Nobody's log depends on it, so it has no revision.
create table user_last_seen (
  user_id uuid primary key,
  at      timestamptz not null
) with (fillfactor = 70);
