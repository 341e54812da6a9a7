-- oldest binary: 0.4.0
-- Marks members who have not chosen to be in a conversation, and former members who must not be added again. Rewrites no row: null is what
-- every membership was until now.

-- stage: short
alter table conversation_members
  -- Null: they created the conversation, took part in it or accepted it. 'added': others added them, and their presence does not show yet.
  -- 'request': they are asked whether they accept it.
  add column pending text,
  -- They left or declined by themselves, and nobody can add them before this time. Null: members with the right to add can.
  add column stays_out_until timestamptz,
  add constraint conversation_members_pending_known check (pending in ('added', 'request')) not valid;

-- stage: concurrently
alter table conversation_members validate constraint conversation_members_pending_known;

-- Each join reads the blocks of its user, in both directions. Pairs without a block are in neither index.
-- stage: concurrently
create index concurrently if not exists direct_pairs_blocked_low on direct_pairs (low_id, high_id)
  where low_blocks_since is not null or high_blocks_since is not null;

-- stage: concurrently
create index concurrently if not exists direct_pairs_blocked_high on direct_pairs (high_id, low_id)
  where low_blocks_since is not null or high_blocks_since is not null;
