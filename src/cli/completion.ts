import type { CommandPage } from './command-table.js';

/** Shells that there is a completion for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The completion script of a shell, complete in itself: nothing is asked of Tenuto while one types. */
export function completionScript(shell: Shell, pages: readonly CommandPage[]): string {
  if (shell === 'fish') return fishScript(pages);
  return shell === 'zsh' ? zshScript(pages) : bashScript(pages);
}

/** Text within single quotes of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const first = (text: string) => text.split(/[.;:]\s|\n/, 1)[0] ?? '';

function wordsOf({ options, subcommands }: CommandPage): string {
  return [...subcommands, ...options.map(({ long }) => long), '--help'].join(' ');
}

function bashScript(pages: readonly CommandPage[]): string {
  const names = pages.map(({ name }) => name).join(' ');
  const cases = pages.map((page) => `    ${page.name}) words=${quoted(wordsOf(page))} ;;`);
  const values = [...new Set(pages.flatMap(({ options }) => options))]
    .filter(({ takesValue }) => takesValue)
    .map(({ long }) => long);
  return `# bash completion of tenuto: source <(tenuto completion bash)
_tenuto() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(`${names} help --help --version`)} -- "$current"))
    return
  fi
  case "$previous" in
    ${[...new Set(values)].join('|')}) compopt -o default 2>/dev/null; return ;;
  esac
  case "\${COMP_WORDS[1]}" in
    help) words=${quoted(names)} ;;
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "\${words//--*/}" -- "$current")); compopt -o default 2>/dev/null ;;
  esac
}
complete -F _tenuto tenuto
`;
}

function zshScript(pages: readonly CommandPage[]): string {
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, '\\$&');
  const list = pages.map(({ name, summary }) => `    ${quoted(`${name}:${escaped(summary)}`)}`);
  const cases = pages.map(({ name, options, subcommands }) => {
    const specs = options.map(({ long, description, takesValue }) => {
      const value = takesValue ? ':value:_files' : '';
      return `        ${quoted(`${long}[${escaped(first(description))}]${value}`)}`;
    });
    const below = subcommands.length > 0 ? `(${subcommands.join(' ')})` : '_files';
    return [
      `      ${name})`,
      '      _arguments \\',
      ...specs.map((one) => `${one} \\`),
      `        ${quoted(`*:argument:${below}`)} ;;`,
    ].join('\n');
  });
  return `#compdef tenuto
# zsh completion of tenuto: put it into a folder of $fpath as _tenuto
_tenuto() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_tenuto" ]; then _tenuto "$@"; else compdef _tenuto tenuto; fi
`;
}

function fishScript(pages: readonly CommandPage[]): string {
  const lines = [
    '# fish completion of tenuto: tenuto completion fish > ~/.config/fish/completions/tenuto.fish',
    'complete -c tenuto -n __fish_use_subcommand -f',
  ];
  for (const { name, summary, options, subcommands } of pages) {
    lines.push(`complete -c tenuto -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`);
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const below of subcommands) lines.push(`complete -c tenuto ${when} -a ${below}`);
    for (const { long, description, takesValue } of options) {
      const value = takesValue ? ' -r' : '';
      const text = quoted(first(description));
      lines.push(`complete -c tenuto ${when} -l ${long.replace(/^--/, '')}${value} -d ${text}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
