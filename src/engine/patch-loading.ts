import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type CompiledPatch, compilePatch, parsePatch } from '../dsp/compiler.js';
import { type NodeLibrary, noNodes } from '../dsp/nodes/index.js';
import type { OwnModule } from '../dsp/own-nodes.js';
import { modulesOf, type Patch } from '../dsp/patch.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { DecodedAudio } from '../media/index.js';
import type { Settings } from '../settings/index.js';

/** A patch with all that it needs to sound. */
export interface LoadedPatch {
  readonly patch: Patch;
  readonly compiled: CompiledPatch;
  /** Decoded files in the order in which the program names them. */
  readonly assets: readonly DecodedAudio[];
}

export interface LoadOptions {
  readonly engine: Pick<Settings['engine'], 'rateHz' | 'quantumFrames' | 'channels'>;
  /** Looks at code of the user's before it is run here. */
  readonly checkModules?: (modules: readonly OwnModule[]) => Promise<void>;
}

function readText(file: string, bytesMax: number): string {
  try {
    const { size } = statSync(file);
    if (size > bytesMax) {
      const text = `${file}: ${size} bytes, it may have ${bytesMax}`;
      throw new TenutoError('TENUTO_PATCH_LIMIT', text);
    }
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new TenutoError('TENUTO_FILE_UNREADABLE', `${file} cannot be read (${reason})`, {
      cause,
    });
  }
}

/** The text of a patch's file. @throws TenutoError `TENUTO_FILE_UNREADABLE`, `TENUTO_PATCH_LIMIT` */
export function readPatchFile(file: string): string {
  return readText(file, limits.patchBytesMax);
}

/**
 * Reads a user's node from its file, as the code that travels beside a program.
 *
 * @throws TenutoError `TENUTO_FILE_UNREADABLE`, `TENUTO_MODULE_INVALID`
 */
export async function readModuleFile(file: string): Promise<OwnModule> {
  const text = readText(file, limits.moduleBytesMax);
  const { readOwnModule } = await import('../dsp/own-nodes.js');
  return readOwnModule(text, file);
}

/** Decodes a file for a patch: at the engine's rate, mono or stereo as it is. */
async function decodeAsset(path: string, rate: number): Promise<DecodedAudio> {
  // The decoders take as long to load as all the rest, and few patches need them.
  const { decodeWhole, openDecoder } = await import('../media/index.js');
  const decoder = await openDecoder(path);
  const channels = Math.min(2, decoder.channels);
  await decoder.close();
  return decodeWhole(path, { rate, channels });
}

async function loadModules(
  text: string,
  file: string,
  { checkModules }: LoadOptions,
): Promise<{ modules: OwnModule[]; own: NodeLibrary }> {
  // To find the word costs nothing; to read the text twice does.
  const files = text.includes('modules') ? modulesOf(text, file) : [];
  if (files.length === 0) return { modules: [], own: noNodes };
  const modules: OwnModule[] = [];
  for (const each of files) modules.push(await readModuleFile(resolve(dirname(file), each)));
  await checkModules?.(modules);
  const { runOwnModules } = await import('../dsp/own-nodes.js');
  return { modules, own: await runOwnModules(modules) };
}

/**
 * Reads the files that a patch's text names, and compiles it for the engine's format; `file` is what
 * messages call it, and where paths in it begin.
 *
 * @throws TenutoError of the patch (`TENUTO_PATCH_...`), of a file (`TENUTO_FILE_UNREADABLE`) or of
 * what is in it (`TENUTO_MEDIA_...`, `TENUTO_MODULE_INVALID`)
 */
export async function loadPatchText(
  text: string,
  file: string,
  options: LoadOptions,
): Promise<LoadedPatch> {
  const { engine } = options;
  const { modules, own } = await loadModules(text, file, options);
  const patch = parsePatch(text, file, own);
  const format = {
    rate: engine.rateHz,
    quantum: engine.quantumFrames,
    channels: engine.channels,
  };
  const beside = modules.length > 0 ? { modules } : {};
  // Once without the files, so that a mistake in the patch is told before anything is decoded.
  const silent = compilePatch(patch, format);
  const wanted = silent.assets;
  const assets: DecodedAudio[] = [];
  for (const { path } of wanted) assets.push(await decodeAsset(path, engine.rateHz));
  if (assets.length === 0) return { patch, compiled: { ...silent, ...beside }, assets };
  const described = wanted.map(({ name }, index) => ({
    name,
    channels: assets[index]?.channels ?? 2,
  }));
  const compiled = compilePatch(patch, { ...format, assets: described });
  return { patch, compiled: { ...compiled, ...beside }, assets };
}
