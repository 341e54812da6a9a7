import { sampleIds } from "../sample-ids.ts";
import type { Json } from "./named-schemas.ts";

/** The values of fields in examples, by the name of the field. */
const byName: Readonly<Record<string, unknown>> = {
  user_id: sampleIds.bob,
  actor_id: sampleIds.alice,
  sender_id: sampleIds.alice,
  auto_promoted_user_id: sampleIds.carol,
  message_id: sampleIds.message,
  conversation_id: sampleIds.conversation,
  member_user_ids: [sampleIds.alice, sampleIds.bob],
  content: "Hello Bob",
  name: "Friends",
  metadata: {},
  client_random: 4_021_337,
  seq: 42,
  head_seq: 42,
  rev: 57,
  head_rev: 57,
  next_since: 57,
  generation: 1,
  reaction: "👍",
  filename: "cat.jpg",
  mime_type: "image/jpeg",
  media_id: "media-7",
  size: 48_211,
  device_id: "phone",
  type: "group",
  role: "member",
  is_active: true,
  count: 1,
  limit: 50,
  total: 42,
  message_count: 42,
  member_count: 2,
  online_at: "1796113800",
  last_message: null,
  left_at: null,
  edited_at: null,
  reply_to_id: null,
  deleted_at: "2026-12-01T08:31:00.000001Z",
};

/** A value that fits the schema: its example or default, else one that its type and the field's name suggest. Fields that may be absent are. */
export function exampleOf(schema: Json, named: Readonly<Record<string, Json>>, name = ""): unknown {
  const { $ref, anyOf, examples, default: byDefault } = schema as { [key: string]: never };
  if ($ref) return exampleOf(named[String($ref).split("/").at(-1)!]!, named);
  if (examples) return examples[0];
  if ("const" in schema) return schema.const;
  if (Object.hasOwn(byName, name)) return byName[name];
  if (byDefault !== undefined) return byDefault;
  if (anyOf) return exampleOf((anyOf as readonly Json[])[0]!, named, name);
  if (schema.enum) return (schema.enum as readonly unknown[])[0];
  return byType(schema, named);
}

function byType(schema: Json, named: Readonly<Record<string, Json>>): unknown {
  switch ([schema.type].flat()[0]) {
    case "object":
      return objectOf(schema, named);
    case "array":
      return schema.items ? [exampleOf(schema.items as Json, named)] : [];
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return textOf(schema);
  }
}

function objectOf(schema: Json, named: Readonly<Record<string, Json>>): Json {
  const { properties = {}, required = [] } = schema as {
    properties?: Readonly<Record<string, Json>>;
    required?: readonly string[];
  };
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name]!, named, name)]));
}

function textOf({ format, description }: Json): string {
  if (format === "uuid") return idOf(String(description));
  return format === "date-time" ? "2026-12-01T08:30:00.123456Z" : "text";
}

function idOf(description: string): string {
  if (description.includes("conversation")) return sampleIds.conversation;
  return /user|who/i.test(description) ? sampleIds.bob : sampleIds.message;
}
