import { fileURLToPath } from 'node:url';
import {
  type LoadedPatch,
  loadPatchText as loadText,
  readPatchFile,
} from '../client/patch-loading.js';
import type { Settings } from '../settings/index.js';

export { type LoadedPatch, readModuleFile } from '../client/patch-loading.js';

/** The patch that `npm start` plays. */
export const demoPatchFile = fileURLToPath(new URL('../../examples/demo.yaml', import.meta.url));

/**
 * Reads a patch and the files that it names, and compiles it for the engine's format.
 *
 * @throws TenutoError of the patch (`TENUTO_PATCH_...`), of a file (`TENUTO_FILE_UNREADABLE`) or of
 * what is in it (`TENUTO_MEDIA_...`, `TENUTO_MODULE_INVALID`)
 */
export async function loadPatch(file: string, engine: Settings['engine']): Promise<LoadedPatch> {
  return loadPatchText(readPatchFile(file), file, engine);
}

/** The same from text; `file` is what messages call it. */
export function loadPatchText(
  text: string,
  file: string,
  engine: Settings['engine'],
): Promise<LoadedPatch> {
  return loadText(text, file, { engine });
}
