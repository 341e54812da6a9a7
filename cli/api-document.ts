// Writes docs/api.md and docs/errors.md: `bun cli/api-document.ts` after a change of src/operations or src/core/rejection.ts. Not a
// command of the product.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorsDocument } from "../src/operations/documents/errors.ts";
import { referenceDocument } from "../src/operations/documents/reference.ts";

const docs = join(import.meta.dir, "../docs");

/** Each page with the text that it must have. */
export const apiPages = [
  { path: join(docs, "api.md"), textOf: referenceDocument },
  { path: join(docs, "errors.md"), textOf: errorsDocument },
] as const;

if (import.meta.main) for (const { path, textOf } of apiPages) writeFileSync(path, textOf());
