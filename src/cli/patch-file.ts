import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CompiledPatch, compilePatch, type Patch, parsePatch } from '../dsp/index.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { DecodedAudio } from '../media/index.js';
import type { Settings } from '../settings/index.js';

/** The patch that `npm start` plays. */
export const demoPatchFile = fileURLToPath(new URL('../../examples/demo.yaml', import.meta.url));

/** A patch with all that it needs to sound. */
export interface LoadedPatch {
  readonly patch: Patch;
  readonly compiled: CompiledPatch;
  /** Decoded files in the order in which the program names them. */
  readonly assets: readonly DecodedAudio[];
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > limits.patchBytesMax) {
      throw new TenutoError(
        'TENUTO_PATCH_LIMIT',
        `${file}: ${size} bytes, a patch may have ${limits.patchBytesMax}`,
      );
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

/** Decodes a file for a patch: at the engine's rate, mono or stereo as it is. */
async function decodeAsset(path: string, rate: number): Promise<DecodedAudio> {
  // The decoders take as long to load as all the rest, and few patches need them.
  const { decodeWhole, openDecoder } = await import('../media/index.js');
  const decoder = await openDecoder(path);
  const channels = Math.min(2, decoder.channels);
  await decoder.close();
  return decodeWhole(path, { rate, channels });
}

/**
 * Reads a patch and the files that it names, and compiles it for the engine's format.
 *
 * @throws TenutoError of the patch (`TENUTO_PATCH_...`), of a file (`TENUTO_FILE_UNREADABLE`) or of
 * what is in it (`TENUTO_MEDIA_...`)
 */
export async function loadPatch(file: string, engine: Settings['engine']): Promise<LoadedPatch> {
  return loadPatchText(readText(file), file, engine);
}

/** The same from text; `file` is what messages call it. */
export async function loadPatchText(
  text: string,
  file: string,
  engine: Settings['engine'],
): Promise<LoadedPatch> {
  const patch = parsePatch(text, file);
  const format = {
    rate: engine.rateHz,
    quantum: engine.quantumFrames,
    channels: engine.channels,
  };
  // Once without the files, so that a mistake in the patch is told before anything is decoded.
  const silent = compilePatch(patch, format);
  const wanted = silent.assets;
  const assets: DecodedAudio[] = [];
  for (const { path } of wanted) assets.push(await decodeAsset(path, engine.rateHz));
  if (assets.length === 0) return { patch, compiled: silent, assets };
  const described = wanted.map(({ name }, index) => ({
    name,
    channels: assets[index]?.channels ?? 2,
  }));
  return { patch, compiled: compilePatch(patch, { ...format, assets: described }), assets };
}
