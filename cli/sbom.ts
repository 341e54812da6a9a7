import { Command } from "commander";
import document from "../docs/sbom.cdx.json";
import { printJson } from "./print.ts";

export function sbomCommand(): Command {
  return new Command("sbom")
    .description("what this executable contains of others, with versions and checksums, as CycloneDX JSON")
    .addHelpText("after", "\nExamples:\n  whispr-msg sbom > whispr-msg.cdx.json\n  whispr-msg sbom | grype")
    .action(() => printJson(document));
}
