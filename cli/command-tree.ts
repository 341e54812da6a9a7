import type { Command } from "commander";

/** A command as it is typed: what a shell needs to know to complete it. */
export interface CommandNode {
  /** Its words after the executable's name, each after a slash: `/admin/inspect`; the executable itself is empty. */
  readonly path: string;
  readonly name: string;
  readonly about: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  /** What its first argument may be, where that is a few words. */
  readonly words: readonly string[];
  /** Its first argument is a file or a directory. */
  readonly takesFile: boolean;
}

export interface OptionNode {
  /** With its dashes. */
  readonly flags: readonly string[];
  readonly about: string;
  /** Null: it takes no value. Empty: any; what is not a few words is perhaps a file. */
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
    options: [...options.map(optionNode), { flags: ["--help"], about: "how it is used", values: null }],
    words: argument?.argChoices ?? [],
    takesFile: ["file", "directory"].includes(argument?.name() ?? ""),
  };
}

/** The node and all below it. */
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
