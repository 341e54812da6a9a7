/** Who owns every conversation of the database has this advisory lock, in its session. Spells "whispr" in pg_locks. */
export const ownerLockKey = "x'776869737072'::bigint";
