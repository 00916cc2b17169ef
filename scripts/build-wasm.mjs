/**
 * Compiles `assembly/index.ts` of each room that has kernels to `kernels.wasm` in that room, and
 * copies it beside the compiled JavaScript. Does nothing for a room whose result is newer than
 * every source.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const rooms = ['dsp', 'pcm'];

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function isUpToDate(sources, wasm) {
  const inputs = readdirSync(sources).map((name) => join(sources, name));
  const newest = Math.max(...[fileURLToPath(import.meta.url), ...inputs].map(modified));
  return modified(wasm) > newest;
}

async function compile(sources, wasm) {
  // Loaded only when needed: the compiler itself takes a second to load.
  const { default: asc } = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main([
    join(sources, 'index.ts'),
    '--outFile',
    wasm,
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--importMemory',
    '--noExportMemory',
    '--exportTable',
    '--use',
    'abort=',
    '-O3',
    '--noAssert',
  ]);
  if (!error) return;
  process.stderr.write(`${stderr.toString()}${error.message}\n`);
  process.exit(1);
}

for (const room of rooms) {
  const sources = join(root, 'src', room, 'assembly');
  const wasm = join(root, 'src', room, 'kernels.wasm');
  const shipped = join(root, 'dist', room, 'kernels.wasm');
  if (!isUpToDate(sources, wasm)) await compile(sources, wasm);
  if (modified(shipped) < modified(wasm)) {
    mkdirSync(dirname(shipped), { recursive: true });
    copyFileSync(wasm, shipped);
  }
}
