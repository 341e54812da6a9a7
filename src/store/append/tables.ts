import { conversations } from "./conversations.ts";
import { members } from "./members.ts";
import { reactions } from "./reactions.ts";
import { storedMessages } from "./stored-messages.ts";
import type { Table } from "./table.ts";

/** In the order of their expressions and parameters in the statement. */
export const tables: readonly Table[] = [storedMessages, members, conversations, reactions];
