// One line per export: this file is the module's list of exports.
export { memoryBase, needed, produce, take } from './convert';
export { block32, block64, merge, slide } from './blocks';
