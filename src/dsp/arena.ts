import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { NodeContext } from './node.js';
import { contextOf, outputCount, type Program, type ProgramPort } from './program.js';
import { timedWords } from './timed-commands.js';
import { transportWords } from './transport.js';

/**
 * Where everything of a program lies in the one linear memory. The persistent part comes first and
 * is what a snapshot copies; the transient part is written anew in every quantum before it is read.
 * The same program gives the same offsets everywhere.
 */
export interface Layout {
  /** Byte offsets; the persistent part is [base, persistentEnd). */
  readonly base: number;
  readonly persistentEnd: number;
  readonly end: number;
  /** The renderer's own words: see `headerWords`. */
  readonly header: number;
  readonly nodes: readonly NodeLayout[];
  /** Ports that hold a number, which commands may change. */
  readonly params: readonly ParamLayout[];
  /** First parameter record; `paramWords` words each. */
  readonly paramRecords: number;
  /** Two lists of as many words as there are slots: moving parameters, free slots. */
  readonly movingList: number;
  readonly freeSlots: number;
  /** Commands that wait for their tick; see timed-commands.ts. */
  readonly timed: number;
  /** Buffers of a quantum of v128 for moving parameters. */
  readonly slots: number;
  readonly slotCount: number;
  /** Interleaved frames of the device. */
  readonly device: number;
  /** Nodes whose output a loop reads in the next quantum, so that it is persistent. */
  readonly looped: ReadonlySet<number>;
}

export interface NodeLayout {
  readonly ctx: NodeContext;
  readonly block: number;
  readonly state: number;
  readonly stateBytes: number;
  /** Of a user's node: whether it is silenced, how it falls, and its last frame; else -1. */
  readonly guard: number;
  readonly output: number;
  readonly ports: readonly PortLayout[];
}

/** The three words of a port in a node's block. */
export interface PortLayout {
  readonly pointer: number;
  readonly frameStride: number;
  readonly bankStride: number;
}

export interface ParamLayout {
  readonly node: number;
  readonly port: number;
  /** Byte offset of the v128 that holds the number while it stands still. */
  readonly constant: number;
}

/**
 * Words of the renderer at `header`: counters, one word for each stream, the last frame that was
 * heard (see performance.ts).
 */
export const headerWords = {
  tick: 0,
  ignored: 1,
  moving: 2,
  /** User's nodes that failed and are silent since. */
  silenced: 3,
  streamEnds: 4,
  lastFrame: 4 + limits.streamsMax,
  /** How loud it is heard; see transport.ts. */
  transport: 4 + limits.streamsMax + limits.channelsMax,
} as const;
const HEADER_BYTES = 4 * (headerWords.transport + transportWords);
/** 32-bit words of one parameter record; see ramps.ts. */
export const paramWords = 8;
const BLOCK_HEAD_BYTES = 32;
const V128_BYTES = 16;

/** Hands out 16-aligned ranges, one after the other. */
class Bump {
  constructor(public at: number) {}

  take(bytes: number): number {
    const start = this.at;
    this.at = align(start + bytes, V128_BYTES);
    if (this.at > limits.arenaBytesMax || !Number.isSafeInteger(bytes) || bytes < 0) {
      throw new TenutoError(
        'TENUTO_PATCH_LIMIT',
        `the patch needs more than ${limits.arenaBytesMax >> 20} MiB of state; ` +
          'use fewer voices, shorter delays or fewer nodes',
      );
    }
    return start;
  }
}

function align(offset: number, to: number): number {
  return Math.ceil(offset / to) * to;
}

/**
 * Lays a program out from byte `base` up.
 * @throws TenutoError TENUTO_PATCH_LIMIT when it does not fit `limits.arenaBytesMax`
 */
export function layoutProgram(program: Program, base: number): Layout {
  const bump = new Bump(align(base, 64));
  const start = bump.at;
  const header = bump.take(HEADER_BYTES);
  const contexts = program.nodes.map((_, index) => contextOf(program, index));
  const blocks = program.nodes.map((node) => bump.take(BLOCK_HEAD_BYTES + 12 * node.ports.length));
  const stateBytes = program.nodes.map((node, i) => node.definition.stateBytes(contexts[i]!));
  const states = stateBytes.map((bytes) => bump.take(bytes));
  const guards = program.nodes.map(({ definition }, i) => {
    if (definition.code === undefined) return -1;
    return bump.take((1 + outputCount(definition) * contexts[i]!.banks) * V128_BYTES);
  });
  const params: ParamLayout[] = [];
  const constants = program.nodes.map((node, index) =>
    node.ports.map((port, i) => takeConstant(bump, port, { node: index, port: i }, params)),
  );
  const slotCount = Math.min(params.length, limits.rampsMax);
  const paramRecords = bump.take(4 * paramWords * params.length);
  const movingList = bump.take(4 * slotCount);
  const freeSlots = bump.take(4 * slotCount);
  const timed = bump.take(4 * timedWords);
  const looped = loopSources(program);
  const outputs = new Array<number>(program.nodes.length).fill(0);
  const takeOutputs = (wanted: boolean) => {
    program.nodes.forEach((node, i) => {
      if (looped.has(i) !== wanted) return;
      const count = outputCount(node.definition);
      outputs[i] = bump.take(count * contexts[i]!.banks * program.quantum * V128_BYTES);
    });
  };
  takeOutputs(true);
  const persistentEnd = bump.at;
  takeOutputs(false);
  const slots = bump.take(slotCount * program.quantum * V128_BYTES);
  const device = bump.take(4 * program.quantum * program.channels);
  const nodes = program.nodes.map((node, i) => ({
    ctx: contexts[i]!,
    block: blocks[i]!,
    state: states[i]!,
    stateBytes: stateBytes[i]!,
    guard: guards[i]!,
    output: outputs[i]!,
    ports: node.ports.map((port, p) =>
      layoutPort(port, constants[i]![p]!, { outputs, contexts, quantum: program.quantum }),
    ),
  }));
  return {
    base: start,
    persistentEnd,
    end: bump.at,
    header,
    nodes,
    params,
    paramRecords,
    movingList,
    freeSlots,
    timed,
    slots,
    slotCount,
    device,
    looped,
  };
}

function takeConstant(
  bump: Bump,
  port: ProgramPort,
  place: { node: number; port: number },
  params: ParamLayout[],
): number {
  if (port.kind === 'cable') return 0;
  if (port.kind === 'lanes') return bump.take(Math.ceil(port.values.length / 4) * V128_BYTES);
  const constant = bump.take(V128_BYTES);
  params.push({ ...place, constant });
  return constant;
}

/** Nodes whose output a loop reads in the next quantum, so that it must survive until then. */
function loopSources(program: Program): Set<number> {
  const sources = new Set<number>();
  program.nodes.forEach((node, index) => {
    for (const port of node.ports) {
      if (port.kind === 'cable' && port.node >= index) sources.add(port.node);
    }
  });
  return sources;
}

function layoutPort(
  port: ProgramPort,
  constant: number,
  of: { outputs: readonly number[]; contexts: readonly NodeContext[]; quantum: number },
): PortLayout {
  if (port.kind === 'value') return { pointer: constant, frameStride: 0, bankStride: 0 };
  if (port.kind === 'lanes') return { pointer: constant, frameStride: 0, bankStride: V128_BYTES };
  const source = of.contexts[port.node]!;
  const bankBytes = of.quantum * V128_BYTES;
  return {
    pointer: of.outputs[port.node]! + port.output * source.banks * bankBytes,
    frameStride: V128_BYTES,
    bankStride: source.lanes === 1 ? 0 : bankBytes,
  };
}
