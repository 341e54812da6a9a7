import { Command } from "commander";
import { TokenRefused, userIdOf } from "../src/auth/claims.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { print, printJson } from "./print.ts";
import { settingsOf, withSettings } from "./setting-options.ts";

const namespace = "5b0d1c3a-6f0e-4c7e-9a54-0f4d2f7c1e9b";

export function userIdCommand(): Command {
  const command = new Command("user-id")
    .description("print the user id of a token's subject")
    .argument("<subject>", "the `sub` of the user's tokens, exactly as the identity provider writes it")
    .option(
      "--json",
      "as JSON: subject, userId, namespace (null: the subject is a UUID and stands for itself)",
    )
    .addHelpText(
      "after",
      `\nReads no database. A subject that is not a UUID needs JWT_SUBJECT_NAMESPACE, as serve has it.\n\nExamples:\n  JWT_SUBJECT_NAMESPACE=${namespace} whispr-msg admin user-id 'auth0|507f1f77bcf86cd799439020'\n  whispr-msg admin user-id --subject-namespace ${namespace} 163840776835432705 --json`,
    )
    .action((subject: string, options: { json?: true }) => printUserId(command, subject, options));
  return withSettings(command, ["jwtSubjectNamespace"]);
}

function printUserId(command: Command, subject: string, options: { json?: true }): void {
  const { subjectNamespace } = settingsOf(command, "tool").config.tokens;
  const userId = userIdOfSubject(subject, subjectNamespace);
  if (!options.json) return print(userId);
  printJson({ subject, userId, namespace: userId === subject.toLowerCase() ? null : subjectNamespace });
}

/** Returns the user id of a subject given to a command. It is refused as a server refuses it in a token. */
export function userIdOfSubject(subject: string, subjectNamespace: string | null): string {
  try {
    return userIdOf(subject, subjectNamespace);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const hint =
      subjectNamespace === null
        ? "Set JWT_SUBJECT_NAMESPACE, as the server has it, to map subjects that are not UUIDs."
        : "Give the subject exactly as the identity provider writes it.";
    throw new CommandRefused(`A server refuses this subject: ${error.message}. ${hint}`, exitCodes.usage);
  }
}
