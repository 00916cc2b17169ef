// Brings a fresh clone to where it can run, with nothing but Node's own modules: installs the
// packages, compiles the kernels and the sources, and looks for the Debian programs that tests or
// benchmarks need. Does nothing, in a few milliseconds, when all of it is there already.
//
//   node scripts/setup.mjs            packages and build
//   node scripts/setup.mjs --test     and the programs that the tests compare with
//   node scripts/setup.mjs --bench    and the programs that the benchmarks compare with
//   node scripts/setup.mjs -- run X   and then `tenuto run X`, in this very process, so that a
//                                     signal to npm, which passes it on to its child, reaches it
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Debian packages by the program, the file, or the library, that each is asked for. */
const debianPackages = {
  test: {
    flac: 'flac',
    lame: 'lame',
    oggenc: 'vorbis-tools',
    opusenc: 'opus-tools',
    script: 'bsdutils',
    sox: 'sox',
    aplay: 'alsa-utils',
    // This package gives the machine the id that a bus asks for.
    'dbus-daemon': 'dbus',
    pactl: 'pulseaudio-utils',
    pipewire: 'pipewire',
    'pipewire-pulse': 'pipewire-pulse',
    chromium: 'chromium',
    promtool: 'prometheus',
    'systemd-analyze': 'systemd',
    wireplumber: 'wireplumber',
    '/usr/share/alsa/alsa.conf.d/50-pipewire.conf': 'pipewire-alsa',
    '/usr/share/alsa/alsa.conf.d/50-pulseaudio.conf': 'libasound2-plugins',
  },
  bench: {
    chromium: 'chromium',
    scsynth: 'supercollider-server',
    jackd: 'jackd2',
    csound: 'csound',
    'libsoxr.so.0': 'libsoxr0',
  },
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packagesStamp = join(root, 'node_modules', '.tenuto-stamp');
const buildStamp = join(root, 'dist', '.stamp');
const pagesStamp = join(root, 'dist', '.web-stamp');
const nodeMin = [20, 19];

/**
 * The child that runs now and how long it may take to leave when asked, so that a signal to this
 * process alone reaches it too and nothing is left behind.
 */
let current = null;
/** The signal that asked this process to end; its status is 128 + the signal's number then. */
let ended = null;

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
function onSignal(signal) {
  const first = ended === null;
  ended ??= signal;
  if (current === null) process.exit(128 + signalNumbers[signal]);
  if (!first) return;
  const { child, patienceMs } = current;
  child.kill(signal);
  setTimeout(() => child.kill('SIGKILL'), patienceMs).unref();
}
for (const signal of Object.keys(signalNumbers)) process.on(signal, onSignal);

class SetupError extends Error {}

/** Runs a program to its end; its output is shown only when it fails. */
function run(title, command, args, options = {}) {
  if (ended !== null) process.exit(128 + signalNumbers[ended]);
  process.stderr.write(`tenuto: ${title} ...\n`);
  return new Promise((resolve, reject) => {
    const chunks = [];
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    current = { child, patienceMs: options.patienceMs ?? 500 };
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (cause) =>
      reject(new SetupError(`${command} cannot be started: ${cause.message}`)),
    );
    child.on('close', (code, signal) => {
      current = null;
      if (ended !== null) process.exit(128 + signalNumbers[ended]);
      if (code === 0) return resolve();
      process.stderr.write(Buffer.concat(chunks));
      reject(
        new SetupError(
          `${[command, ...args].join(' ')} ended with ${signal ?? `status ${code}`}; its output is above`,
        ),
      );
    });
  });
}

const hash = (text) => createHash('sha256').update(text).digest('hex');
const readOr = (file, other) => (existsSync(file) ? readFileSync(file, 'utf8') : other);

/** All files below a folder as sorted paths relative to the root. */
function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Names, sizes and change times of files: what tells whether they were changed since the last build. */
function fingerprint(files) {
  return hash(
    files
      .map((file) => {
        const { size, mtimeMs } = statSync(join(root, file));
        return `${file} ${size} ${mtimeMs}`;
      })
      .join('\n'),
  );
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return;
  throw new SetupError(
    `Node ${nodeMin.join('.')} or newer is needed, this is ${process.versions.node}`,
  );
}

async function installPackages() {
  const wanted = hash(readFileSync(join(root, 'package-lock.json')));
  if (readOr(packagesStamp, '') === wanted) return;
  // npm writes this file last, after the lock file: a tree that `npm install` made is complete too.
  const inner = join(root, 'node_modules', '.package-lock.json');
  const complete =
    existsSync(inner) &&
    statSync(inner).mtimeMs > statSync(join(root, 'package-lock.json')).mtimeMs - 2000;
  if (!complete) {
    rmSync(packagesStamp, { force: true });
    // `--include=dev`: the compiler is a development package, whatever NODE_ENV says.
    await run('installing packages', 'npm', [
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--include=dev',
      '--loglevel=error',
    ]);
  }
  writeFileSync(packagesStamp, wanted);
}

/** Puts `tenuto` where `npx tenuto` finds it inside the clone. */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'tenuto');
  chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
  if (existsSync(link)) return;
  rmSync(link, { force: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync('../../dist/cli/main.js', link);
}

/** Removes compiled files whose source is gone, so that nothing runs or ships that is not in src. */
function prune() {
  for (const file of filesBelow('dist')) {
    const match = /^dist\/(?!web\/)(.+?)\.(?:d\.ts|js|js\.map)$/.exec(file);
    if (match !== null && !existsSync(join(root, 'src', `${match[1]}.ts`))) {
      rmSync(join(root, file));
    }
  }
}

/** The dashboard; first, since what serves it is bundled with a look whether it is there. */
async function buildPages() {
  const inputs = [...filesBelow('web'), 'package-lock.json'];
  const wanted = fingerprint(inputs);
  if (readOr(pagesStamp, '') === wanted) return;
  rmSync(pagesStamp, { force: true });
  await run('building the dashboard', process.execPath, [
    'node_modules/vite/bin/vite.js',
    'build',
    '--config',
    'web/vite.config.ts',
    '--logLevel',
    'warn',
  ]);
  writeFileSync(pagesStamp, wanted);
}

async function build() {
  const sources = filesBelow('src').filter(
    (file) => !/\.(test|bench)\.ts$/.test(file) && !file.endsWith('kernels.wasm'),
  );
  const inputs = [
    ...sources,
    'scripts/build-wasm.mjs',
    'scripts/bundle-programs.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
  ].filter((file) => existsSync(join(root, file)));
  const wanted = fingerprint(inputs);
  if (readOr(buildStamp, '') === wanted) return;
  rmSync(buildStamp, { force: true });
  await run('compiling the kernels', process.execPath, ['scripts/build-wasm.mjs']);
  await run('compiling the sources', process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
  ]);
  prune();
  await run('bundling the programs', process.execPath, ['scripts/bundle-programs.mjs']);
  linkCommand();
  writeFileSync(buildStamp, wanted);
}

/** Where Debian keeps libraries, whatever the machine. */
function libraryFolders() {
  const triplet = /^[a-z0-9_]+-linux-gnu/;
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  return folders.filter((name) => triplet.test(name)).map((name) => join('/usr/lib', name));
}

function isInstalled(name) {
  if (name.startsWith('/')) return existsSync(name);
  if (!name.includes('.so')) return onPath(name);
  return libraryFolders().some((folder) => existsSync(join(folder, name)));
}

function onPath(program) {
  return (process.env.PATH ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(join(folder, program)));
}

async function installPrograms(purpose) {
  const missing = () =>
    Object.entries(debianPackages[purpose])
      .filter(([name]) => !isInstalled(name))
      .map(([, name]) => name);
  const names = missing();
  if (names.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (process.getuid() !== 0 || !isInstalled('apt-get')) {
    throw new SetupError(
      `the ${purpose} run compares with programs that are not installed; run\n\n` +
        `  sudo apt-get update && sudo ${command}\n`,
    );
  }
  // Killed in the middle, dpkg would have to be repaired by hand.
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, patienceMs: 20_000 };
  await run('reading the Debian package lists', 'apt-get', ['update', '-qq'], options);
  await run(`installing ${names.join(', ')}`, 'apt-get', command.split(' ').slice(1), options);
  const still = missing();
  if (still.length > 0)
    throw new SetupError(`still missing after the install: ${still.join(', ')}`);
}

/** Packages that only benchmarks compare with: in a tree of their own, out of everybody's way. */
async function installPeers() {
  const peer = join(root, 'bench', 'node_modules', 'node-web-audio-api', 'package.json');
  if (existsSync(peer)) return;
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const args = ['install', '--prefix', 'bench', ...flags, '--loglevel=error'];
  await run('installing what the benchmarks compare with', 'npm', args);
}

/** Runs `tenuto` with these arguments; it handles signals and the exit status by itself. */
async function runCommand(args) {
  for (const signal of Object.keys(signalNumbers)) process.off(signal, onSignal);
  const main = join(root, 'dist', 'cli', 'main.js');
  process.argv.splice(1, process.argv.length, main, ...args);
  await import(pathToFileURL(main).href);
}

const separator = process.argv.indexOf('--');
const options = separator < 0 ? process.argv : process.argv.slice(0, separator);
try {
  checkNode();
  await installPackages();
  await buildPages();
  await build();
  for (const purpose of Object.keys(debianPackages)) {
    if (options.includes(`--${purpose}`)) await installPrograms(purpose);
  }
  if (options.includes('--bench')) await installPeers();
  if (separator >= 0) await runCommand(process.argv.slice(separator + 1));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`tenuto: set-up failed: ${error.message}\n`);
  process.exitCode = 1;
}
