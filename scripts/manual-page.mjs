// The manual page of the command line, from the table of its commands.

/** Text for troff: a minus that stays one, and no line that is taken for a request. */
function plain(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

const exits = [
  ['0', 'It did what it was asked to.'],
  ['2', 'The command line cannot be understood.'],
  ['3', 'Settings, a patch, a file or a permission has to be changed first.'],
  ['4', 'The audio device is not there, or was lost.'],
  ['5', 'No engine of that name answers.'],
  ['6', 'It ran, and something was lost or given up.'],
  ['128+n', 'It was ended by signal n.'],
];

/** The manual page tenuto(1), as troff with the man macros. */
export function manualPage(pages, version) {
  const lines = [
    '.\\" Made from the table of commands by `npm run docs`; a test checks that it is current.',
    `.TH TENUTO 1 "" "Tenuto ${version}" "User commands"`,
    '.SH NAME',
    'tenuto \\- an audio runtime for programs that must not fall silent',
    '.SH SYNOPSIS',
    '.B tenuto',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    plain(
      'Tenuto opens an audio device once and holds it. It renders on replicated processes, so that',
    ),
    plain('the death of any of them costs not one sample. What follows are its commands;'),
    '.B tenuto help',
    '.I command',
    plain('shows the same for one of them.'),
    '.SH COMMANDS',
  ];
  for (const { name, summary, args, options, subcommands } of pages) {
    const terms = args.map(({ term }) => term);
    if (subcommands.length > 0) terms.push(subcommands.join('|'));
    lines.push(`.SS tenuto ${plain([name, ...terms].join(' '))}`, `${plain(sentence(summary))}`);
    for (const { term, description } of args) {
      lines.push('.TP', `.I ${plain(term)}`, plain(sentence(description)));
    }
    for (const { flags, description } of options) {
      lines.push('.TP', `.B ${plain(flags)}`, plain(sentence(description)));
    }
  }
  lines.push('.SH EXIT STATUS');
  for (const [status, meaning] of exits) lines.push('.TP', `.B ${status}`, meaning);
  lines.push(
    '.SH FILES',
    '.TP',
    '.I tenuto.yaml',
    'Settings, in the current folder.',
    '.TP',
    plain('$XDG_STATE_HOME/tenuto/flight/NAME'),
    'What the flight recorder holds of an engine, and the stretches that it kept.',
  );
  return `${lines.join('\n')}\n`;
}

/** With a capital and a full stop. */
function sentence(text) {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (trimmed === '') return 'No description.';
  const whole = /[.!?)]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return whole[0].toUpperCase() + whole.slice(1);
}
