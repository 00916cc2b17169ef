import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is, or would be, committed. */
const files = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));

const texts = new Map(
  files
    .filter((file) => /\.(ts|mjs|cjs|js|json|ya?ml|md|sh)$|^\.ci\/run$/.test(file))
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
);

const isTest = (file: string) => /\.(test|bench)\.ts$|^(test|bench)\//.test(file);
const isCode = (file: string) => /\.(ts|mjs|cjs)$/.test(file);
/** This file names what it forbids. */
const self = 'test/tidy.test.ts';

/** Each line that matches, as `file:line: instead`, in the files that `where` chooses. */
function offences(
  pattern: RegExp,
  instead: string,
  where: (file: string) => boolean = isCode,
): string[] {
  return [...texts]
    .filter(([file]) => file !== self && file !== 'package-lock.json' && where(file))
    .flatMap(([file, text]) =>
      text
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${instead}`] : [])),
    );
}

describe('files', () => {
  it('hold one idea each: at most 450 lines', () => {
    const long = [...texts]
      .filter(([file]) => isCode(file))
      .map(([file, text]) => [file, text.split('\n').length - 1] as const)
      .filter(([, lines]) => lines > 450)
      .map(([file, lines]) => `${file}: ${lines} lines; split it where the second idea begins`);
    expect(long).toEqual([]);
  });

  it('are named in kebab-case, in folders that say what they hold', () => {
    const wrong = files
      .filter((file) => /^(src|test|bench|scripts|examples)\//.test(file))
      .filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$/.test(basename(file)))
      .map((file) => `${file}: use a kebab-case noun`);
    const vague = files
      .filter((file) =>
        dirname(file)
          .split('/')
          .some((part) => /^(utils?|helpers?|common|misc|lib)$/.test(part)),
      )
      .map((file) => `${file}: name the folder after what it holds`);
    expect([...wrong, ...vague]).toEqual([]);
  });

  it('end with a newline and hold no tabs or trailing spaces', () => {
    const noNewline = [...texts]
      .filter(([, text]) => text !== '' && !text.endsWith('\n'))
      .map(([file]) => `${file}: end it with a newline`);
    const spaces = offences(/[ \t]+$/, 'remove the spaces at the end', () => true);
    expect([...noNewline, ...spaces]).toEqual([]);
  });
});

describe('code', () => {
  it('holds no notes to self and no focused or skipped tests', () => {
    expect([
      ...offences(/\b(FIXME|XXX|HACK|TODO)\b/, 'do it, or open an issue'),
      ...offences(/\b(it|test|describe)\.(only|skip|todo|skipIf|runIf)\b/, 'run every test'),
      ...offences(/\bxit\(|\bxdescribe\(/, 'run every test'),
    ]).toEqual([]);
  });

  it('names no place of one machine', () => {
    const place = /(^|[\s'"`(=])\/(home\/\w+|root|Users)\//;
    expect(offences(place, 'use a path relative to the file', () => true)).toEqual([]);
  });

  it('makes foreign calls in src/os only', () => {
    const where = (file: string) => file.startsWith('src/') && !file.startsWith('src/os/');
    const found = offences(/from 'koffi'|require\('koffi'\)/, 'give src/os/ a function', where);
    expect(found).toEqual([]);
  });

  it('takes clock and randomness as parameters where it must be deterministic', () => {
    const where = (file: string) => /^src\/(dsp|memory|engine)\//.test(file) && !isTest(file);
    const pattern = /\bMath\.random\b|\bDate\.now\b|\bnew Date\(|\bperformance\.now\b/;
    expect(offences(pattern, 'pass the clock or the generator in', where)).toEqual([]);
  });

  it('prints in src/cli only', () => {
    const where = (file: string) =>
      file.startsWith('src/') && !file.startsWith('src/cli/') && !isTest(file);
    expect(offences(/\bconsole\.\w+\(/, 'log with observe/log.ts', where)).toEqual([]);
    const prints = /process\.stdout\.write/;
    expect(offences(prints, 'return it and print it in src/cli/', where)).toEqual([]);
  });

  it('keeps each exported name documented', () => {
    const undocumented = [...texts]
      .filter(
        ([file]) =>
          /^src\/(client|settings|observe|os|control|media)\//.test(file) && !isTest(file),
      )
      .flatMap(([file, text]) => {
        const lines = text.split('\n');
        return lines.flatMap((line, index) => {
          const name = /^export (?:async )?(?:function|class|interface) (\w+)/.exec(line)?.[1];
          if (name === undefined) return [];
          const above = lines[index - 1]?.trim() ?? '';
          const commented = above.endsWith('*/') || above.startsWith('// biome-ignore');
          return commented ? [] : [`${file}:${index + 1}: say in a sentence what ${name} is`];
        });
      });
    expect(undocumented).toEqual([]);
  });
});

describe('documents', () => {
  it('made from the code are current', () => {
    const check = spawnSync(process.execPath, ['scripts/reference.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(check.stdout + check.stderr).toBe('');
    expect(check.status).toBe(0);
  });

  it('lead nowhere that does not exist', () => {
    const broken = [...texts]
      .filter(([file]) => file.endsWith('.md'))
      .flatMap(([file, text]) =>
        [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
          .map((match) => match[1] ?? '')
          .filter((link) => !existsSync(join(root, dirname(file), link)))
          .map((link) => `${file}: ${link} is not there`),
      );
    expect(broken).toEqual([]);
  });

  it('hold no places left to fill in', () => {
    const where = (file: string) => file.endsWith('.md');
    expect(offences(/\{\{.*\}\}/, 'measure it and write the figure', where)).toEqual([]);
  });

  it('name every dependency and its licence', () => {
    const page = texts.get('docs/dependencies.md') ?? '';
    const manifest = JSON.parse(texts.get('package.json') ?? '') as Record<string, object>;
    const names = [
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.devDependencies ?? {}),
    ];
    const missing = names.filter((name) => !page.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const lock = JSON.parse(texts.get('package-lock.json') ?? '') as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
  };

  it('holds no download addresses', () => {
    const found = Object.keys(lock.packages).filter((name) => lock.packages[name]?.resolved);
    expect(found).toEqual([]);
  });

  it('has an entry for every optional dependency, without which `npm ci` refuses it', () => {
    const missing = Object.values(lock.packages)
      .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
      .filter((name) => !(`node_modules/${name}` in lock.packages))
      .map((name) => `${name}: put it in by hand with version, os and cpu`);
    expect(missing).toEqual([]);
  });
});
