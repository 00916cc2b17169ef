import { PatchBook } from '../control/bus/patch-book.js';
import { readState, restore, type SavedPatch } from '../control/bus/state-file.js';
import type { CompiledPatch } from '../dsp/compiler.js';
import { TenutoError } from '../errors.js';
import { stateFileOf } from './order.js';
import { loadPatchText } from './patch-loading.js';
import type { LoadedAsset, Restored, StartOptions } from './types.js';

/** What brings back the last state of an engine. */
export interface Restoration {
  readonly restored: Restored;
  /** Records of commands, before anything plays. */
  readonly records: number[];
  /** The patch that had been loaded, in the place of the one that is given. */
  readonly loaded: { patch: CompiledPatch; assets: readonly LoadedAsset[] } | undefined;
}

/**
 * Reads what was saved of an engine; null when nothing was. A patch that had been loaded while it
 * played comes back with its values; where that cannot be, because a file of it is gone say, the
 * given one plays, and the reason is told.
 *
 * @throws TenutoError `TENUTO_SETTINGS_INVALID` when nothing is kept, `TENUTO_STATE_INVALID`,
 *   `TENUTO_FILE_UNREADABLE`
 */
export async function restorationFor(options: StartOptions): Promise<Restoration | null> {
  const { settings, env } = options;
  const path = stateFileOf(settings, env);
  if (path === null) {
    throw new TenutoError('TENUTO_SETTINGS_INVALID', 'control.stateFile is off: nothing is kept');
  }
  const state = readState(path);
  if (state === null) return null;
  const found = state.patch === null ? undefined : await loadAgain(state.patch, options);
  const loaded = found instanceof TenutoError ? undefined : found;
  const { names, source } = (loaded ?? options).patch;
  const { records, skipped } = restore(state, new PatchBook(names), settings.engine.rateHz);
  const restored: Restored = {
    savedAt: state.savedAt,
    skipped,
    patch: loaded === undefined ? null : source.name,
    ...(found instanceof TenutoError && { patchFailure: found.message }),
  };
  return { restored, records, loaded };
}

async function loadAgain({ file, text }: SavedPatch, { settings }: StartOptions) {
  try {
    const { compiled, assets } = await loadPatchText(text, file, { engine: settings.engine });
    return { patch: compiled, assets };
  } catch (error) {
    if (error instanceof TenutoError) return error;
    throw error;
  }
}
