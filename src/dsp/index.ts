/** Patches, their compiler, and the renderer: everything about sound that knows no process. */

export { createPerformance, performAlone } from './carry.js';
export { commandFlags, commandOps, commandWord, commandWords } from './command.js';
export {
  type AssetInfo,
  type CompiledPatch,
  type CompileOptions,
  compilePatch,
  type NodeName,
  type PatchInfo,
  type PatchNames,
  type PatchText,
  type PortName,
  type WantedAsset,
} from './compiler.js';
export type {
  AssetView,
  NodeDefinition,
  OptionDefinition,
  PortDefinition,
  Sources,
  StreamView,
  Unit,
  Width,
} from './node.js';
export { type NodeLibrary, nodesByType, noNodes, registry } from './nodes/index.js';
export { type Patch, type PatchNode, parsePatch } from './patch.js';
export { Performance, switchFlags, switchOp, switchWords } from './performance.js';
export { decodeProgram, encodeProgram, namedStreams, type Program } from './program.js';
export { type MeterLevels, Renderer } from './renderer.js';
export { findTap, type TapPlace, TapReader } from './tap.js';
