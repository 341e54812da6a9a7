/**
 * SQL for whether `other` has chosen to be in a conversation in which `user` is a member. Reads all memberships of `user`, so it is used only
 * with `FIRST_CONTACT=request`.
 */
export function isKnown(user: string, other: string): string {
  return `exists (
    select from conversation_members own
    join conversation_members theirs on theirs.conversation_id = own.conversation_id and theirs.user_id = ${other}
    where own.user_id = ${user} and own.left_seq is null and theirs.left_seq is null and theirs.pending is null)`;
}

/** The most users whose blocks with one user are read. */
const maxApart = 10_000;

/** SQL for one row with `apartFrom` as the array `ids`. Their marks are hidden from the user, because marks show who is there. */
export function apartIdsFrom(user: string): string {
  return `(select array(${apartFrom(user)}) as ids)`;
}

/** SQL for the users whom `user` has blocked or who have blocked them, as `user_id`. Both halves are read from an index of blocked pairs alone. */
export function apartFrom(user: string): string {
  const isBlocked = "(low_blocks_since is not null or high_blocks_since is not null)";
  return `select user_id from (
    select high_id as user_id from direct_pairs where low_id = ${user} and ${isBlocked}
    union all select low_id from direct_pairs where high_id = ${user} and ${isBlocked}) pairs limit ${maxApart}`;
}
