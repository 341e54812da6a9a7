import { Command } from "commander";
import { version } from "./version.ts";

export function openApiCommand(): Command {
  return new Command("openapi")
    .description("the REST API as OpenAPI 3.1 JSON, as /openapi.json of this version has it")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg openapi > openapi.json\n  npx openapi-typescript openapi.json -o api.d.ts",
    )
    .action(async () => {
      const { openApiText } = await import("../src/operations/documents/texts.ts");
      process.stdout.write(openApiText(version));
    });
}

export function asyncApiCommand(): Command {
  return new Command("asyncapi")
    .description("what goes over sockets as AsyncAPI 3.0 JSON, as /asyncapi.json of this version has it")
    .addHelpText(
      "after",
      "\nExamples:\n  whispr-msg asyncapi > asyncapi.json\n  whispr-msg asyncapi | jq '.channels.conversation.messages | keys'",
    )
    .action(async () => {
      const { asyncApiText } = await import("../src/operations/documents/texts.ts");
      process.stdout.write(asyncApiText(version));
    });
}
