-- oldest binary: 0.4.0
-- The key of a send counts for each device on its own. It takes no column and no byte more, and no row is written again: `dedup_key` is
-- client_random, with the tag of the sender's device (31 bits) in its upper half, and the index of three columns stays as it is.

comment on column messages.dedup_key is
  'client_random + 2^32 * tag of the device, while it holds the key (24 h); below 2^32: stored before devices counted; null: holds none';

-- Of messages that are there already nobody knows the device. They keep their keys, against every device of their sender, for 24 hours from
-- when no older whispr-msg writes any more: until then `infinity`; `-infinity`: there are none, and none can come, since nobody has ever
-- owned the conversations.
create table untagged_keys (
  is_only    boolean primary key default true check (is_only),
  held_until timestamptz not null
);
insert into untagged_keys (held_until)
select case when exists (select from messages) or exists (select from conversation_ownership where epoch > 0) then 'infinity'::timestamptz else '-infinity' end;
