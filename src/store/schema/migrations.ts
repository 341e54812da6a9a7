import talkDown from "../../../migrations/0001_talk.down.sql" with { type: "text" };
import talkUp from "../../../migrations/0001_talk.up.sql" with { type: "text" };
import syncDown from "../../../migrations/0002_sync.down.sql" with { type: "text" };
import syncUp from "../../../migrations/0002_sync.up.sql" with { type: "text" };
import messagesDown from "../../../migrations/0003_messages.down.sql" with { type: "text" };
import messagesUp from "../../../migrations/0003_messages.up.sql" with { type: "text" };
import lastSeenDown from "../../../migrations/0004_last_seen.down.sql" with { type: "text" };
import lastSeenUp from "../../../migrations/0004_last_seen.up.sql" with { type: "text" };
import groupsDown from "../../../migrations/0005_groups.down.sql" with { type: "text" };
import groupsUp from "../../../migrations/0005_groups.up.sql" with { type: "text" };
import deviceKeysDown from "../../../migrations/0006_device_keys.down.sql" with { type: "text" };
import deviceKeysUp from "../../../migrations/0006_device_keys.up.sql" with { type: "text" };
import groupOwnersDown from "../../../migrations/0007_group_owners.down.sql" with { type: "text" };
import groupOwnersUp from "../../../migrations/0007_group_owners.up.sql" with { type: "text" };
import acceptanceDown from "../../../migrations/0008_acceptance.down.sql" with { type: "text" };
import acceptanceUp from "../../../migrations/0008_acceptance.up.sql" with { type: "text" };

/** One step of the schema, up and down, embedded in the executable. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
  /** The oldest binary that can live with the schema after this step. */
  readonly oldestBinary: string;
  /** What users notice when the step is taken back, beside what is dropped. One sentence each, without a full stop. */
  readonly consequences: readonly string[];
}

export const migrations: readonly Migration[] = [
  migration(1, "talk", talkUp, talkDown),
  migration(2, "sync", syncUp, syncDown),
  migration(3, "messages", messagesUp, messagesDown),
  migration(4, "last_seen", lastSeenUp, lastSeenDown),
  migration(5, "groups", groupsUp, groupsDown),
  migration(6, "device_keys", deviceKeysUp, deviceKeysDown),
  migration(7, "group_owners", groupOwnersUp, groupOwnersDown),
  migration(8, "acceptance", acceptanceUp, acceptanceDown),
];

/** The first line of each step up says `-- oldest binary: X.Y.Z`; lines of a step down may say `-- consequence: …`. */
function migration(version: number, name: string, up: string, down: string): Migration {
  const oldestBinary = /^-- oldest binary: (\d+\.\d+\.\d+)$/m.exec(up)?.[1];
  if (!oldestBinary)
    throw new Error(`migration ${version} does not say which is the oldest binary that can live with it`);
  const consequences = [...down.matchAll(/^-- consequence: (.+)$/gm)].map(([, text]) => text!);
  return { version, name, up, down, oldestBinary, consequences };
}
