import { settingKeys } from './keys.js';

function shown(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? '`[]`' : `\`${String(value)}\``;
}

/** The reference page of all settings, as `docs/settings.md` holds it. */
export function settingsReference(): string {
  const lines = [
    '# Settings',
    '',
    'Made from `src/settings/schema.ts` by `npm run docs`; a test checks that it is current.',
    '',
    'A setting is taken from the first of these that gives it: the command line, the environment,',
    'the file (`tenuto.yaml` in the working directory, or the one named by `--config FILE`), the',
    'default. On the command line every setting can be given as `--set KEY=VALUE`; the usual ones',
    'have a flag of their own. Unknown keys, flags and `TENUTO_*` variables are refused with the',
    'place where they stand. Variables that begin with `TENUTO_INTERNAL_` are not settings.',
    '',
    '```yaml',
    'engine:',
    '  rateHz: 44100',
    '  leadQuanta: 2',
    'log:',
    '  level: info',
    '```',
    '',
    'Settings are read when an engine starts. Those marked *live* can be changed while it plays: edit',
    'the file and send `tenuto run` the signal SIGHUP (`systemctl reload` does). It says which it took',
    'over, and which wait for the next start. A file with a mistake in it changes nothing.',
    'Those of `measure` are read by each command that measures.',
    '',
    'Some settings have a second name, which stands beside them below: the one they had before, in',
    'snake case. A file or `--set` may use it, alone (`resample_mode: off`) or in its group.',
    '',
    'For users of Chronus: `CHRONUS_VERBOSE` is understood as `TENUTO_LOG_LEVEL=info`, `CHRONUS_OSC_HOST`',
    'and `CHRONUS_OSC_PORT` as `TENUTO_CONTROL_OSC`. The other `CHRONUS_*` variables have no equal and are',
    'passed over.',
    '',
  ];
  let group = '';
  for (const key of settingKeys) {
    const name = key.path.slice(0, key.path.lastIndexOf('.'));
    if (name !== group) {
      group = name;
      lines.push(
        `## ${group}`,
        '',
        '| key | default | accepts | environment, flag | |',
        '| --- | --- | --- | --- | --- |',
      );
    }
    const flag = key.flag === undefined ? '' : `, \`--${key.flag}\``;
    const alias = key.alias === undefined ? '' : ` In a file also \`${key.alias}\`.`;
    const last = settingKeys[settingKeys.indexOf(key) + 1];
    lines.push(
      `| \`${key.path}\` | ${shown(key.defaultValue)} | ${key.accepts} | ` +
        `\`${key.env}\`${flag} | ${key.description}${key.live ? ' *Live.*' : ''}${alias} |`,
    );
    if (last === undefined || !last.path.startsWith(`${group}.`)) lines.push('');
    else if (last.path.slice(0, last.path.lastIndexOf('.')) !== group) lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
