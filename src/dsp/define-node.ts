import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { holdLevel } from './level.js';
import {
  gatePort,
  type LanesRule,
  type NodeContext,
  type NodeDefinition,
  type NodeHost,
  type OptionDefinition,
  type PortDefinition,
  signalPort,
} from './node.js';
import { nodesByType } from './nodes/index.js';

/** What a node of the user's is given for each quantum. All of it is prepared once. */
export interface NodeQuantum {
  /** By the name of a port: for each lane a number for each frame, within the port's range. */
  readonly inputs: Readonly<Record<string, readonly Float32Array[]>>;
  /** For each lane a number for each frame, to be written: of the first output. */
  readonly output: readonly Float32Array[];
  /** The same of every output, by its name; of a node with one output `out`. */
  readonly outputs: Readonly<Record<string, readonly Float32Array[]>>;
  /** All that the node remembers; zeros at first. */
  readonly state: Float64Array;
  readonly ctx: NodeContext;
}

/** A node of the user's, as its module declares it. */
export interface OwnNode {
  /** The name in patches: lower case, one word of at most 15 letters and digits. */
  readonly type: string;
  readonly summary: string;
  readonly ports: readonly PortDefinition[];
  readonly options?: Readonly<Record<string, OptionDefinition>>;
  /** Default: `widest`. */
  readonly lanes?: Exclude<LanesRule, 'sink' | 'asset'>;
  /** Names of the outputs, when there are several. */
  readonly outputs?: readonly string[];
  /** How many numbers the node remembers. Default: none. */
  readonly state?: (ctx: NodeContext) => number;
  /** What the node remembers before the first quantum, where that is not zeros. */
  readonly prepare?: (state: Float64Array, ctx: NodeContext) => void;
  /**
   * Says that other code with the same word here understands the state: it is kept when the code is
   * changed. Without it the node begins anew.
   */
  readonly stateVersion?: string;
  /**
   * Renders one quantum. On the audio thread: it allocates nothing, waits for nothing, and takes
   * nothing but what it is given, neither clock nor random numbers. What it puts out that is no
   * number becomes silence.
   */
  readonly process: (quantum: NodeQuantum) => void;
}

/** What a module can import from `tenuto/dsp`. */
export const ownNodeKit = { defineNode, signalPort, gatePort } as const;

/** Declares a node: the default export of its module. Only tells the types; it changes nothing. */
export function defineNode(node: OwnNode): OwnNode {
  return node;
}

const typeShape = /^[a-z][a-z0-9]{0,14}$/;
const lanesRules: readonly string[] = ['widest', 'mono', 'stereo', 'sum'];

function refuse(file: string, what: string): never {
  throw new TenutoError('TENUTO_MODULE_INVALID', `${file}: ${what}`);
}

/**
 * Makes a node of what a module exports.
 *
 * @param code - the digest of the module's code
 * @throws TenutoError `TENUTO_MODULE_INVALID`
 */
export function adoptNode(exported: unknown, file: string, code: string): NodeDefinition {
  if (typeof exported !== 'object' || exported === null) {
    refuse(file, 'it has no default export; write `export default defineNode({ ... })`');
  }
  const node = exported as OwnNode;
  const { type, ports, process, lanes = 'widest' } = node;
  if (typeof type !== 'string' || !typeShape.test(type)) {
    refuse(file, '`type` is a word of 1 to 15 lower-case letters and digits');
  }
  if (nodesByType.has(type)) refuse(file, `there is a node \`${type}\` already`);
  if (typeof process !== 'function') refuse(file, `\`${type}\` has no \`process\``);
  if (!lanesRules.includes(lanes)) refuse(file, `\`lanes\` is one of ${lanesRules.join(', ')}`);
  if (!Array.isArray(ports)) refuse(file, '`ports` is a list');
  for (const port of ports) checkPort(port, file);
  return {
    type,
    summary: String(node.summary ?? ''),
    ports,
    ...(node.options && { options: node.options }),
    lanes,
    ...(node.outputs && { outputs: node.outputs }),
    stateBytes: (ctx) => 8 * stateSize(node, ctx, file),
    ...(node.prepare && {
      prepare: (ctx, i32) => {
        const state = new Float64Array(i32.buffer, i32.byteOffset, i32.length >> 1);
        node.prepare!(state, ctx);
      },
    }),
    create: (host) => prepareProcess(node, host),
    code,
    ...(node.stateVersion !== undefined && { stateVersion: String(node.stateVersion) }),
  };
}

function checkPort(port: PortDefinition, file: string): void {
  const { name, min, max, default: value } = port;
  const isNamed = typeof name === 'string' && /^[a-zA-Z][a-zA-Z0-9_]{0,31}$/.test(name);
  if (!isNamed) refuse(file, 'each port has a `name`');
  if (![min, max, value].every(Number.isFinite) || min > value || value > max) {
    refuse(file, `port \`${name}\` has \`min\`, \`default\` and \`max\`, in this order`);
  }
  if (!(port.smoothingMs >= 0)) refuse(file, `port \`${name}\` has \`smoothingMs\`, 0 or more`);
}

function stateSize(node: OwnNode, ctx: NodeContext, file: string): number {
  const size = node.state?.(ctx) ?? 0;
  const isSize = Number.isInteger(size) && size >= 0 && size * 8 <= limits.arenaBytesMax;
  if (!isSize) refuse(file, '`state` gives how many numbers the node remembers');
  return size;
}

/** Numbers as a node of the user's sees them: a list for each lane. */
function lanesOf(count: number, frames: number): Float32Array[] {
  return Array.from({ length: count }, () => new Float32Array(frames));
}

/** Brings what enters into lists, has the node fill others, and puts those where cables begin. */
function prepareProcess(node: OwnNode, host: NodeHost): () => void {
  const { ctx, f32, i32 } = host;
  const { quantum, lanes, banks } = ctx;
  const names = node.outputs ?? ['out'];
  const inputs = node.ports.map(() => lanesOf(lanes, quantum));
  const outputs = names.map(() => lanesOf(lanes, quantum));
  const size = node.state?.(ctx) ?? 0;
  const given: NodeQuantum = {
    inputs: Object.fromEntries(node.ports.map(({ name }, p) => [name, inputs[p]!])),
    output: outputs[0]!,
    outputs: Object.fromEntries(names.map((name, o) => [name, outputs[o]!])),
    state: new Float64Array(i32.buffer, host.state, size),
    ctx,
  };
  const take = (p: number, lane: number) => {
    const { min, max, default: standard } = node.ports[p]!;
    const port = host.block / 4 + 8 + 3 * p;
    const into = inputs[p]![lane]!;
    let at = (i32[port]! + (lane >> 2) * i32[port + 2]!) / 4 + (lane & 3);
    for (let frame = 0; frame < quantum; frame++) {
      const value = f32[at]!;
      // What is no number is none of the node's business.
      into[frame] = value >= min ? Math.min(value, max) : value < min ? min : standard;
      at += i32[port + 1]! >> 2;
    }
  };
  const put = (o: number, lane: number) => {
    // Lanes that fill up the last group of four repeat the last one.
    const from = outputs[o]![Math.min(lane, lanes - 1)]!;
    let at = host.output / 4 + (o * banks + (lane >> 2)) * quantum * 4 + (lane & 3);
    for (let frame = 0; frame < quantum; frame++) {
      f32[at] = from[frame]!;
      holdLevel(f32, at);
      at += 4;
    }
  };
  return () => {
    for (let p = 0; p < inputs.length; p++) for (let lane = 0; lane < lanes; lane++) take(p, lane);
    for (let o = 0; o < outputs.length; o++) for (const one of outputs[o]!) one.fill(0);
    node.process(given);
    for (let o = 0; o < outputs.length; o++)
      for (let lane = 0; lane < banks * 4; lane++) put(o, lane);
  };
}
