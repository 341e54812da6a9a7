import { allNodes, type CommandNode } from "./command-tree.ts";

/** A script for bash 3.2 or newer. What is not known is completed as a file name. */
export function bashCompletion(tree: CommandNode): string {
  const nodes = allNodes(tree);
  return `# bash completion of ${tree.name}; made by: ${tree.name} completion bash
_whispr_msg() {
  local word at= current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  # bash takes --option=value for three words.
  if [[ $previous == = ]]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [[ $current == = ]]; then current=; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at/$word" in
      ${pathsOf(nodes).join(" | ")}) at="$at/$word" ;;
    esac
  done
  COMPREPLY=()
  case "$at $previous" in
${nodes.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${nodes.map(wordsCase).join("\n")}
  esac
}
complete -o default -F _whispr_msg ${tree.name}`;
}

function pathsOf(nodes: readonly CommandNode[]): readonly string[] {
  return nodes.map(({ path }) => path).filter((path) => path !== "");
}

function valueCases({ path, options }: CommandNode): readonly string[] {
  return options.flatMap(({ flags, values }) => {
    if (!values) return [];
    const where = flags.map((flag) => `"${path} ${flag}"`).join(" | ");
    return values.length === 0 ? `    ${where}) return ;;` : `    ${where}) ${reply(values)}; return ;;`;
  });
}

function wordsCase({ path, commands, options, words }: CommandNode): string {
  const known = [...commands.map(({ name }) => name), ...words, ...options.flatMap(({ flags }) => flags)];
  return `    "${path}") ${reply(known)} ;;`;
}

function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$current"))`;
}
