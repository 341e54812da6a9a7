-- oldest binary: 0.3.0
-- Every group with members gets its one owner: 0.3 made the heir of an owner who left an admin. The heir is the longest-standing admin, else
-- moderator, else member (core/conversations/group-owner.ts), and becomes the owner by a change like any other: with a revision, which devices
-- see in their difference, and which moves the head under a server that holds the group in memory, so that it reads the group again.

-- Waits for no lock. A group that is written to at this moment is left out: it gets its owner with the next change of its members.
-- stage: batches over conversations
with ownerless as materialized (
  select c.id, h.rev, heir.user_id
  from (select id from :table where type = 'group' and :range) c
  join conversation_heads h on h.conversation_id = c.id
  cross join lateral (
    select user_id, role from conversation_members
    where conversation_id = c.id and left_seq is null
    order by array_position(array['owner', 'admin', 'moderator', 'member'], role), joined_at, user_id limit 1) heir
  where heir.role <> 'owner'
),
held as (
  select o.id, o.user_id, h.rev + 1 as rev
  from ownerless o
  join conversation_heads h on h.conversation_id = o.id and h.rev = o.rev
  join conversation_members m on m.conversation_id = o.id and m.user_id = o.user_id
  for update of h, m skip locked
),
heads as (
  update conversation_heads h set rev = held.rev, members_rev = held.rev
  from held where h.conversation_id = held.id
)
update conversation_members m set role = 'owner', rev = held.rev
from held where m.conversation_id = held.id and m.user_id = held.user_id;
