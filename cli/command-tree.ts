import type { Command } from "commander";

/** A command as a shell needs it for completion. */
export interface CommandNode {
  /** The words after the name of the executable, each after a slash: `/admin/inspect`; empty for the executable itself. */
  readonly path: string;
  readonly name: string;
  readonly about: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  /** The allowed values of its first argument, if they are a few words. */
  readonly words: readonly string[];
  /** Its first argument is a file or a directory. */
  readonly takesFile: boolean;
}

export interface OptionNode {
  /** With its dashes. */
  readonly flags: readonly string[];
  readonly about: string;
  /** Null: the option takes no value. Empty: any value, perhaps a file. */
  readonly values: readonly string[] | null;
}

export function commandTree(command: Command, path = ""): CommandNode {
  const { commands, options, registeredArguments } = command;
  const [argument] = registeredArguments;
  return {
    path,
    name: command.name(),
    about: command.description(),
    commands: commands.map((each) => commandTree(each, `${path}/${each.name()}`)),
    options: [...options.map(optionNode), { flags: ["--help"], about: "show the usage", values: null }],
    words: argument?.argChoices ?? [],
    takesFile: ["file", "directory"].includes(argument?.name() ?? ""),
  };
}

/** Returns the node and all nodes below it. */
export function allNodes(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(allNodes)];
}

function optionNode({
  short,
  long,
  description,
  required,
  argChoices,
}: Command["options"][number]): OptionNode {
  const flags = [long, short].filter((flag): flag is string => flag != null);
  return { flags, about: description, values: required ? (argChoices ?? []) : null };
}
