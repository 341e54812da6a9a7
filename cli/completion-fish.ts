import { allNodes, type CommandNode, type OptionNode } from "./command-tree.ts";

/** A script for fish 3. Values that are not a few words are completed as file names. */
export function fishCompletion(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const paths = nodes.map(({ path }) => path).filter((path) => path !== "");
  return `# fish completion of ${tree.name}; made by: ${tree.name} completion fish
function __whispr_msg_at
  set -l at
  for word in (commandline -opc)[2..-1]
    if contains -- "$at/$word" ${paths.join(" ")}
      set at "$at/$word"
    end
  end
  test "$at" = "$argv[1]"
end
complete -c ${tree.name} -e
${nodes.flatMap((node) => linesOf(tree.name, node)).join("\n")}`;
}

function linesOf(
  name: string,
  { path, commands, options, words, takesFile }: CommandNode,
): readonly string[] {
  const here = `complete -c ${name} -n '__whispr_msg_at "${path}"'`;
  const noFiles = takesFile ? [] : [`${here} -f`];
  return [
    ...noFiles,
    ...commands.map((command) => `${here} -a ${command.name} -d ${quoted(command.about)}`),
    ...words.map((word) => `${here} -a ${word}`),
    ...options.map((option) => `${here}${flagsOf(option)}${valueFlags(option)} -d ${quoted(option.about)}`),
  ];
}

function flagsOf({ flags }: OptionNode): string {
  return flags
    .map((flag) => (flag.startsWith("--") ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`))
    .join("");
}

function valueFlags({ values }: OptionNode): string {
  if (!values) return "";
  return values.length === 0 ? " -r -F" : ` -x -a ${quoted(values.join(" "))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
