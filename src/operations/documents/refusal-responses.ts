import { type RefusalCode, refusals } from "../../core/rejection.ts";
import type { Json } from "./named-schemas.ts";
import { refusalExample, refusalSchema } from "./refusal-documents.ts";
import { refusalTexts } from "./refusal-texts.ts";

/** The responses of one status, each set of codes once, under a name of its own. */
export class RefusalResponses {
  readonly #named = new Map<string, Json>();

  /** Returns a reference to the response with these codes, which have one status. */
  of(codes: readonly RefusalCode[]): Json {
    const name = codes.map(pascalCase).join("Or");
    if (!this.#named.has(name)) this.#named.set(name, responseOf(codes));
    return { $ref: `#/components/responses/${name}` };
  }

  all(): Readonly<Record<string, Json>> {
    return Object.fromEntries([...this.#named].sort(([one], [other]) => one.localeCompare(other)));
  }
}

function pascalCase(code: string): string {
  return code.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

function responseOf(codes: readonly RefusalCode[]): Json {
  const isRetriable = codes.some((code) => refusals[code].retriable);
  const headers = {
    ...(isRetriable && { "retry-after": reference("RetryAfter") }),
    ...(codes.includes("unauthorized") && { "www-authenticate": reference("WwwAuthenticate") }),
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${refusalTexts[code].means}`).join("\n\n"),
    ...(Object.keys(headers).length > 0 && { headers }),
    content: {
      "application/json": {
        schema: refusalSchema("error", codes),
        examples: Object.fromEntries(codes.map((code) => [code, { value: refusalExample("error", code) }])),
      },
    },
  };
}

function reference(name: keyof typeof responseHeaders): Json {
  return { $ref: `#/components/headers/${name}` };
}

export const responseHeaders = {
  RetryAfter: {
    description: "Whole seconds until the same may be sent again; `retry_after_ms` is more exact.",
    schema: { type: "integer", minimum: 0 },
  },
  WwwAuthenticate: { description: "`Bearer`.", schema: { type: "string", const: "Bearer" } },
} as const;
