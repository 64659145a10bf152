import { Argument, type Command } from "commander";
import { print } from "../session.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** A command line prefix, and what may follow it. */
interface Node {
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export function registerCompletion(program: Command): void {
  program
    .command("completion")
    .summary("print a shell completion script")
    .description(
      'Prints a completion script: eval "$(weightmark completion bash)", or `weightmark completion fish | source`.',
    )
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell) => print(script(shell, nodesOf(program, []))));
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const options = command.options.flatMap(({ long, description }) =>
    long ? [{ word: long, about: description }] : [],
  );
  const commands = command.commands.map((sub) => ({ word: sub.name(), about: sub.summary() || sub.description() }));
  const below = command.commands.flatMap((sub) => nodesOf(sub, [...path, sub.name()]));
  return [{ path, words: [...commands, ...options, { word: "--help", about: "show help" }] }, ...below];
}

function script(shell: Shell, nodes: readonly Node[]): string {
  if (shell === "fish") return fishScript(nodes);
  const cases = nodes
    .filter(({ path }) => path.length > 0)
    // The longest path first: "registry add" before "registry".
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ path, words }) => `    "${path.join(" ")}"*) words="${words.map(({ word }) => word).join(" ")}" ;;`);
  const start = shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  return `${start}_weightmark() {
  local words current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[*]:1:COMP_CWORD-1}" in
${cases.join("\n")}
    *) words="${nodes[0]!.words.map(({ word }) => word).join(" ")}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -o filenames -F _weightmark weightmark
`;
}

function fishScript(nodes: readonly Node[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return nodes
    .flatMap(({ path, words }) => {
      const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
      const where = quote(seen === "" ? "__fish_use_subcommand" : seen);
      return words.map(({ word, about }) => {
        const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c weightmark -n ${where} ${what} -d ${quote(about)}\n`;
      });
    })
    .join("");
}
