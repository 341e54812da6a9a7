-- Keys of the last 24 hours count per sender again: of several devices that used the same client_random the first message keeps it, the
-- others stay without one. Older keys hold nothing any more and stay as they are: no client_random is as large. Each partition is one
-- statement, and what was done of it may be done again.

-- Cut short from here on, the schema is still this one, and some keys name no device any more: who serves on it has to look for them.
-- stage: short
update untagged_keys set held_until = 'infinity';

-- stage: concurrently on each partition of messages
with fresh as materialized (
  select conversation_id, seq, sender_id, client_random, dedup_key,
    row_number() over (partition by conversation_id, sender_id, client_random order by seq) as place
  from :partition where dedup_key is not null and sent_at > now() - interval '24 hours'),
later as (
  update :partition m set dedup_key = null
  from fresh where m.conversation_id = fresh.conversation_id and m.seq = fresh.seq and fresh.place > 1
  returning 1),
expired as (
  update :partition m set dedup_key = null
  from fresh where fresh.place = 1 and fresh.dedup_key > 4294967295
    and m.conversation_id = fresh.conversation_id and m.sender_id = fresh.sender_id and m.dedup_key = fresh.client_random
    and m.sent_at <= now() - interval '24 hours'
  returning 1)
update :partition m set dedup_key = fresh.client_random
from fresh where m.conversation_id = fresh.conversation_id and m.seq = fresh.seq and fresh.place = 1 and fresh.dedup_key > 4294967295
  and (select count(*) from later) >= 0 and (select count(*) from expired) >= 0;

-- stage: short
comment on column messages.dedup_key is null;
drop table untagged_keys;
