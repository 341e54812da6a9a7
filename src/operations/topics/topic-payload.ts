type Fields = Readonly<Record<string, unknown>>;

/** The objects in which the fields of a payload may be nested: `nestedIn` of `PayloadShape`. */
const nests = ["message", "conversation"] as const;

/**
 * Returns the payload of an event on a conversation's topic without `conversation_id`, at the top and in what may be nested: the topic says
 * which conversation it is about, so whatever a client writes there is ignored.
 */
export function topicPayload(payload: unknown): unknown {
  if (!isObject(payload)) return payload;
  let fields = withoutConversation(payload);
  for (const nest of nests) {
    const inner = fields[nest];
    if (isObject(inner) && namesConversation(inner))
      fields = { ...fields, [nest]: withoutConversation(inner) };
  }
  return fields;
}

function withoutConversation(fields: Fields): Fields {
  if (!namesConversation(fields)) return fields;
  const { conversation_id: _, ...rest } = fields;
  return rest;
}

function namesConversation(fields: Fields): boolean {
  return Object.hasOwn(fields, "conversation_id");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
