-- oldest binary: 0.4.0
-- Who has chosen to be in a conversation, and who does not want to be added to it again. No row is written again: null is what every
-- membership was until now.

-- stage: short
alter table conversation_members
  -- Null: they created it, wrote in it or accepted it. 'added': others added them, and nothing of them shows yet. 'request': they are asked
  -- whether they accept it.
  add column pending text,
  -- They left by themselves: until then nobody adds them again. Null: members with the right may.
  add column stays_out_until timestamptz,
  add constraint conversation_members_pending_known check (pending in ('added', 'request')) not valid;

-- stage: concurrently
alter table conversation_members validate constraint conversation_members_pending_known;

-- Whom a user has blocked, and by whom they are blocked: read by each join. Pairs without a block are in neither.
-- stage: concurrently
create index concurrently if not exists direct_pairs_blocked_low on direct_pairs (low_id, high_id)
  where low_blocks_since is not null or high_blocks_since is not null;

-- stage: concurrently
create index concurrently if not exists direct_pairs_blocked_high on direct_pairs (high_id, low_id)
  where low_blocks_since is not null or high_blocks_since is not null;
