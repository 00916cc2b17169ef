/** Patches, their compiler, and the renderer: everything about sound that knows no process. */
export { commandFlags, commandOps, commandWord, commandWords } from './command.js';
export {
  type AssetInfo,
  type CompiledPatch,
  type CompileOptions,
  compilePatch,
  type NodeName,
  type PatchNames,
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
export { nodesByType, registry } from './nodes/index.js';
export { type Patch, type PatchNode, parsePatch } from './patch.js';
export { decodeProgram, encodeProgram, namedStreams, type Program } from './program.js';
export { type MeterLevels, Renderer } from './renderer.js';
