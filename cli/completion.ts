import { Argument, Command } from "commander";
import { commandTree } from "./command-tree.ts";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";
import { print } from "./print.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function completionCommand(): Command {
  const command = new Command("completion")
    .description("print a script that makes a shell complete commands, options and their values")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(shells)))
    .addHelpText(
      "after",
      `
Examples:
  source <(whispr-msg completion bash)                                          # this bash; in ~/.bashrc: every one
  whispr-msg completion bash > /etc/bash_completion.d/whispr-msg
  source <(whispr-msg completion zsh)                                           # after compinit
  whispr-msg completion zsh > "\${fpath[1]}/_whispr-msg"
  whispr-msg completion fish > ~/.config/fish/completions/whispr-msg.fish`,
    )
    .action((shell: keyof typeof shells) => print(shells[shell](commandTree(command.parent!))));
  return command;
}
