/**
 * SQL of whether `other` has chosen to be in a conversation in which `user` is a member. Looks through the memberships of `user`: asked only
 * where users who do not know each other are asked first.
 */
export function isKnown(user: string, other: string): string {
  return `exists (
    select from conversation_members own
    join conversation_members theirs on theirs.conversation_id = own.conversation_id and theirs.user_id = ${other}
    where own.user_id = ${user} and own.left_seq is null and theirs.left_seq is null and theirs.pending is null)`;
}

/** The most users between whom and one user there is a block, and presence is hidden. */
const maxApart = 10_000;

/** SQL of a row with those of `apartFrom` as the array `ids`: of their marks the user learns nothing, because marks tell who is there. */
export function apartIdsFrom(user: string): string {
  return `(select array(${apartFrom(user)}) as ids)`;
}

/** SQL of the users whom `user` has blocked or who have blocked them, as `user_id`. Both halves are read from an index of blocked pairs alone. */
export function apartFrom(user: string): string {
  const isBlocked = "(low_blocks_since is not null or high_blocks_since is not null)";
  return `select user_id from (
    select high_id as user_id from direct_pairs where low_id = ${user} and ${isBlocked}
    union all select low_id from direct_pairs where high_id = ${user} and ${isBlocked}) pairs limit ${maxApart}`;
}
