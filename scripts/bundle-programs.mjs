// Makes one file of each program of Tenuto and all that it imports, over the one that the compiler
// wrote: to find, read and link some hundred small files would take a process longer than all the
// rest of its start. The library stays as the compiler wrote it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

/** Each lies two folders below the root, so that one relative address is right in all of them. */
const programs = [
  'cli/main',
  'engine/keeper',
  'engine/driver',
  'engine/replica',
  'control/main',
  'service/recorder-main',
  'service/flight-main',
];

/**
 * The first ones find files of their own beside them, so they stay where they are. The last would
 * be half of what control has to read: fastify's checks by JSON Schema, which ours replace.
 */
const apart = [
  /^koffi$/,
  /^@echogarden\/pffft-wasm/,
  /^@wasm-audio-decoders\//,
  /^(mpg123|opus)-decoder$/,
  /^@fastify\/(ajv|fast-json-stringify)-compiler$/,
];

/** A file that code addresses relative to itself is there from the bundle's place too. */
function checkAddresses({ fileName, code }) {
  for (const [, address] of code.matchAll(/new URL\(["']([^"']+)["'],\s*import\.meta\.url\)/g)) {
    // The dashboard is built after the programs.
    const exists = address === '../web/' || existsSync(join(dist, dirname(fileName), address));
    if (address.startsWith('../') && exists) continue;
    throw new Error(`${fileName} addresses ${address}: write it as ../ROOM/FILE, two folders deep`);
  }
}

/** The licences of the packages whose code is in the programs, as they ask for. */
function licenceTexts(modules) {
  const folders = modules.map((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { name, version, license } = manifest;
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    // A few small ones only name theirs.
    if (file === undefined && license === undefined) throw new Error(`${name} has no licence`);
    const text = file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
}

const modules = [];
for (const name of programs) {
  const bundle = await rolldown({
    input: { [name]: join(root, 'src', `${name}.ts`) },
    platform: 'node',
    external: apart,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    transform: { target: 'node20.19' },
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: `${dirname(name)}/[name].chunk.js`,
  });
  for (const file of output.filter(({ type }) => type === 'chunk')) {
    checkAddresses(file);
    modules.push(...file.moduleIds);
  }
}
writeFileSync(join(dist, 'licences.txt'), licenceTexts(modules).join(`\n${'-'.repeat(78)}\n\n`));
