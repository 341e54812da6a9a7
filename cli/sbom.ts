import { Command } from "commander";
import document from "../docs/sbom.cdx.json";
import { printJson } from "./print.ts";

export function sbomCommand(): Command {
  return new Command("sbom")
    .description(
      "list the third-party parts of this executable, with versions and checksums, as CycloneDX JSON",
    )
    .addHelpText("after", "\nExamples:\n  whispr-msg sbom > whispr-msg.cdx.json\n  whispr-msg sbom | grype")
    .action(() => printJson(document));
}
