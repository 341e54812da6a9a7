import { join } from "node:path";
import type { PageSource } from "../web/pages/page-files.ts";

export const playgroundPage: PageSource = {
  embeddedName: "whispr-playground.json",
  folder: join(import.meta.dir, "page"),
};
