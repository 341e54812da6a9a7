-- oldest binary: 0.3.0
-- Blocks between two users, who may have a direct conversation.

-- A pair is here once somebody of it has blocked the other one, or begun their conversation. Blocking and beginning both write the row, which
-- puts them one after the other: none begins what the other one has blocked.
create table direct_pairs (
  low_id            uuid not null,
  high_id           uuid not null,
  -- Since when the one has blocked the other; null: has not.
  low_blocks_since  timestamptz,
  high_blocks_since timestamptz,
  -- What the row says is not yet so in their conversation: the owner of the conversation sees to it.
  is_pending        boolean not null default false,
  primary key (low_id, high_id),
  check (low_id < high_id)
);
create index direct_pairs_pending on direct_pairs (low_id, high_id) where is_pending;
