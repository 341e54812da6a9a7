import { join } from "node:path";
import type { PageSource } from "../web/pages/page-files.ts";

/** The page at `/docs`: it shows `/openapi.json` and `/asyncapi.json` of the server that sent it. */
export const referencePage: PageSource = {
  embeddedName: "whispr-reference.json",
  folder: join(import.meta.dir, "page"),
};
