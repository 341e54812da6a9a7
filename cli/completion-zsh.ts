import { allNodes, type CommandNode, type OptionNode } from "./command-tree.ts";

/** A script for zsh, to be sourced or to lie in a directory of `fpath`. What is not known is completed as a file name. */
export function zshCompletion(tree: CommandNode): string {
  const nodes = allNodes(tree);
  const paths = nodes.map(({ path }) => path).filter((path) => path !== "");
  return `#compdef ${tree.name}
# zsh completion of ${tree.name}; made by: ${tree.name} completion zsh
_whispr_msg() {
  local word at= previous="\${words[CURRENT-1]}"
  local -a known
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at/$word" in
      ${paths.join(" | ")}) at="$at/$word" ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    previous="\${PREFIX%%=*}"
    compset -P '*='
  fi
  case "$at $previous" in
${nodes.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${nodes.map(wordsCase).join("\n")}
  esac
  _describe '${tree.name}' known
}
if [[ $funcstack[1] == _${tree.name} ]]; then _whispr_msg "$@"; else compdef _whispr_msg ${tree.name}; fi`;
}

function valueCases({ path, options }: CommandNode): readonly string[] {
  return options.flatMap(({ flags, values }) => {
    if (!values) return [];
    const where = flags.map((flag) => `"${path} ${flag}"`).join(" | ");
    return [`    ${where}) ${values.length === 0 ? "_files" : `compadd -- ${values.join(" ")}`}; return ;;`];
  });
}

function wordsCase({ path, commands, options, words, takesFile }: CommandNode): string {
  const known = [
    ...commands.map(({ name, about }) => described(name, about)),
    ...words.map((word) => quoted(word)),
    ...options.flatMap(describedOption),
  ];
  const files = takesFile ? " _files;" : "";
  return `    "${path}") known=(${known.join(" ")});${files} ;;`;
}

function describedOption({ flags, about }: OptionNode): readonly string[] {
  return flags.map((flag) => described(flag, about));
}

function described(word: string, about: string): string {
  return quoted(`${word}:${about}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
