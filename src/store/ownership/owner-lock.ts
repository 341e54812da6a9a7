/** The session that holds this advisory lock owns every conversation of the database. Spells "whispr" in pg_locks. */
export const ownerLockKey = "x'776869737072'::bigint";

/** SQL: whether some process owns this database's conversations at present. */
export const isOwned = `exists (
  select from pg_locks
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::int8 << 32 | objid::int8) = ${ownerLockKey})`;
