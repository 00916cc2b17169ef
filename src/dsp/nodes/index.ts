import type { NodeDefinition } from '../node.js';
import { adsr } from './adsr.js';
import { biquad } from './biquad.js';
import { delay } from './delay.js';
import { drive } from './drive.js';
import { gain } from './gain.js';
import { lfo } from './lfo.js';
import { limiter } from './limiter.js';
import { meter } from './meter.js';
import { mix } from './mix.js';
import { noise } from './noise.js';
import { osc } from './osc.js';
import { out } from './out.js';
import { pan } from './pan.js';
import { player } from './player.js';
import { reverb } from './reverb.js';
import { scale } from './scale.js';
import { seq } from './seq.js';
import { stream } from './stream.js';
import { streams } from './streams.js';
import { svf } from './svf.js';

/** Every node there is, in the order of the reference page. */
export const registry: readonly NodeDefinition[] = [
  gain,
  scale,
  out,
  adsr,
  lfo,
  pan,
  mix,
  player,
  stream,
  seq,
  meter,
  osc,
  noise,
  svf,
  biquad,
  delay,
  reverb,
  drive,
  limiter,
];

/** Definitions by the name that patches use. */
export type NodeLibrary = ReadonlyMap<string, NodeDefinition>;

/** For patches that bring no nodes of their own. */
export const noNodes: NodeLibrary = new Map();

/** The definitions by the name that patches use. */
export const nodesByType: NodeLibrary = new Map(
  registry.map((definition) => [definition.type, definition]),
);

/** Nodes that the compiler adds by itself; no patch names them. */
export const implicitNodes: NodeLibrary = new Map([[streams.type, streams]]);
