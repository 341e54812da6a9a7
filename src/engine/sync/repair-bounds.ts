/** Bounds of what is read and forwarded in one turn of the event loop while missed frames are read. Each is sent to every member. */

/** The most frames that wait for a gap to be read; beyond it they are dropped, and read as well. */
const maxWaiting = 1_000;
const pageRows = 500;
/** The most topics that a page is sent to, and the frames that waited for it. */
const topicsOfPage = 4_000;
const topicsOfWaiting = 20_000;

/** Returns how many rows one read brings: of a large group few, so that others have their turn between two pages. */
export function rowsForMembers(members: number): number {
  return Math.max(1, Math.min(pageRows, Math.floor(topicsOfPage / members)));
}

/** Returns how many frames wait for a gap to be read. */
export function waitingForMembers(members: number): number {
  return Math.max(1, Math.min(maxWaiting, Math.floor(topicsOfWaiting / members)));
}
