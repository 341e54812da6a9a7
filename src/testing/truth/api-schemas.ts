import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { asyncApiDocument } from "../../operations/documents/asyncapi.ts";
import type { Json } from "../../operations/documents/named-schemas.ts";
import { openApiDocument } from "../../operations/documents/openapi.ts";

/** The documents as they are served, and validators of their parts: another program than the one that reads payloads. */
class DocumentSchemas {
  readonly document: Json;
  readonly #ajv: Ajv;
  readonly #known = new Map<string, ValidateFunction>();

  constructor(ajv: Ajv, document: Json) {
    this.document = document;
    this.#ajv = ajv;
    addFormats.default(ajv);
    ajv.addSchema(document, "document");
  }

  /** Says why a value does not fit the schema at this JSON pointer of the document (`/components/schemas/Message`); null: it fits. */
  problem(pointer: string, value: unknown): string | null {
    let validate = this.#known.get(pointer);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: `document#${pointer}` });
      this.#known.set(pointer, validate);
    }
    return validate(value) ? null : this.#ajv.errorsText(validate.errors, { dataVar: "it" });
  }
}

const options = { strict: false, allErrors: false, addUsedSchema: false, validateSchema: false } as const;

let rest: DocumentSchemas | undefined;
let channels: DocumentSchemas | undefined;

/** Returns the schemas of `/openapi.json`: JSON Schema 2020-12. */
export function restSchemas(): DocumentSchemas {
  rest ??= new DocumentSchemas(new Ajv2020(options) as unknown as Ajv, openApiDocument("0.0.0"));
  return rest;
}

/** Returns the schemas of `/asyncapi.json`: JSON Schema draft 7. */
export function channelSchemas(): DocumentSchemas {
  channels ??= new DocumentSchemas(new Ajv(options), asyncApiDocument("0.0.0"));
  return channels;
}

/** A name as one step of a JSON pointer in a URI. */
export function step(name: string): string {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}
