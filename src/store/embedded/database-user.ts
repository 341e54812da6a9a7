import type { Owner } from "./by-descriptor.ts";
import { type Account, accountOfName, accountOfUid, isKnownGroup } from "./libc.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { isMapped, overflowUid } from "./trusted-path.ts";

/** The account that an installation may make for PostgreSQL. */
const ownAccount = "whispr-msg";
/**
 * Users of no account: Debian, Fedora and systemd leave these numbers to nobody, and they exist in every container. Nothing but PostgreSQL
 * runs as one.
 */
const unusedUids = [65_530, 65_529, 65_528, 65_527];

/**
 * Who PostgreSQL runs as when root starts whispr-msg: the user that a setting names, else the account `whispr-msg`, else a number that no
 * account has. Never `nobody`, whom other services run as. Null: this user namespace has no other user than its root.
 */
export function databaseUser(wanted: string | null, directory: string): Owner | null {
  if (wanted !== null) return wantedUser(wanted, directory);
  const account = accountOfName(ownAccount);
  const candidates = [...(account ? [account] : []), ...unusedUids.filter(isUnused).map(ofNumber)];
  return candidates.find(({ uid }) => isMapped(uid)) ?? null;
}

function wantedUser(wanted: string, directory: string): Owner {
  const owner = accountOfName(wanted) ?? (/^\d{1,9}$/.test(wanted) ? ofNumber(Number(wanted)) : null);
  const problem = problemOf(owner);
  if (owner !== null && problem === null) return owner;
  throw new EmbeddedRefusal({
    code: "no_account",
    directory,
    problem: `PostgreSQL cannot run as ${JSON.stringify(wanted)} (WHISPR_POSTGRES_USER): ${problem}`,
    wayOut: "Name an account of its own, or a number that no account has; without it one is chosen",
  });
}

function problemOf(owner: Owner | null): string | null {
  if (owner === null) return "there is no such account";
  if (owner.uid === 0) return "it refuses root";
  if (owner.uid === overflowUid) return "other services run as nobody, and could read and change the data";
  return isMapped(owner.uid) ? null : "this container has no such user";
}

function ofNumber(uid: number): Owner {
  return { uid, gid: accountOfUid(uid)?.gid ?? uid };
}

function isUnused(uid: number): boolean {
  return accountOfUid(uid) === null && !isKnownGroup(uid);
}

/**
 * Any account but root's, for a program that only asks for the name of its user. `initdb`: one that root may become. `namespace`: the name in
 * a user namespace, where `nobody` stands for everybody else and would let them in.
 */
export function anyAccount(purpose: "initdb" | "namespace"): Account | null {
  const uids = purpose === "initdb" ? [overflowUid, ...ordinaryUids].filter(isMapped) : ordinaryUids;
  return uids.map(accountOfUid).find((account) => account !== null) ?? null;
}

/** Whom most machines know: the first person, and Debian's daemon, bin, sys, mail and www-data. */
const ordinaryUids = [1000, 1, 2, 3, 8, 33];

/** For people: `root (0)`, or `user 65530` where it has no name. */
export function userText(uid: number): string {
  const account = accountOfUid(uid);
  return account ? `${account.name} (${uid})` : `user ${uid}`;
}
