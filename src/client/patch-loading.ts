/** What commands need to read patches and modules; apart, for few programs do. */
export {
  type LoadedPatch,
  loadPatchText,
  readModuleFile,
  readPatchFile,
} from '../engine/patch-loading.js';
