import { limits } from '../limits.js';
import { headerWords } from './arena.js';
import type { NodeDefinition } from './node.js';
import { Performance } from './performance.js';
import { outputCount, type ProgramNode } from './program.js';
import type { Renderer } from './renderer.js';
import { transportWords } from './transport.js';

/**
 * What one program hands on to the next, prepared so that handing it on allocates nothing: a list
 * of copies from arena to arena.
 *
 * A node is known again by its name. It keeps its state if it is of the same type and code and has
 * the same shape; its options may differ where its definition can mend that, else it begins anew. A
 * parameter goes on from where it is, unless the patch's text now says another number: what was
 * edited takes effect, what was not stays as it plays. What plays a client's stream goes on at the
 * frame that comes next. The same two programs give the same list everywhere.
 */
class Carry {
  private readonly copies: Copy[] = [];
  private readonly params: readonly (readonly [from: number, to: number])[];
  private readonly mends: (() => void)[] = [];
  /** By the number of a node before, its number now; -1 for one that is gone. */
  private readonly nodes: Int32Array;

  constructor(
    private readonly from: Renderer,
    private readonly to: Renderer,
  ) {
    const known = knownNodes(from, to);
    const kept = known.filter(([before, after]) => hasSameShape(from, before, to, after));
    this.nodes = new Int32Array(from.program.nodes.length).fill(-1);
    for (const [before, after] of known) this.nodes[before] = after;
    this.header();
    for (const [before, after] of kept) this.node(before, after);
    this.params = keptParams(from, to, known);
    this.streams(new Set(kept.map(([, after]) => after)));
  }

  /** Hands on: the receiver must be as it was made. For the audio thread. */
  handOn(): void {
    for (const { into, at, part } of this.copies) into.set(part, at);
    for (const mend of this.mends) mend();
    this.to.timed.adopt(this.from.timed, this.nodes);
    for (const [before, after] of this.params) this.to.ramps.adopt(after, this.from.ramps, before);
  }

  private copy(from: number, to: number, bytes: number): void {
    if (bytes === 0) return;
    const part = new Uint8Array(this.from.memory, from, bytes);
    this.copies.push({ part, into: new Uint8Array(this.to.memory), at: to });
  }

  private header(): void {
    const word = (name: 'tick' | 'ignored' | 'streamEnds' | 'transport', words: number) => {
      const offset = 4 * headerWords[name];
      this.copy(this.from.layout.header + offset, this.to.layout.header + offset, 4 * words);
    };
    word('tick', 1);
    word('ignored', 1);
    word('streamEnds', limits.streamsMax);
    word('transport', transportWords);
  }

  private node(before: number, after: number): void {
    const { layout: from, looped, node } = placeOf(this.from, before);
    const { layout: to, looped: isLooped, node: now } = placeOf(this.to, after);
    this.copy(from.state, to.state, to.stateBytes);
    if (looped && isLooped) {
      const bytes = outputCount(now.definition) * to.ctx.banks * this.to.quantum * 16;
      this.copy(from.output, to.output, bytes);
    }
    const { mend } = now.definition;
    if (!mend || hasSameOptions(node, now)) return;
    const { memory } = this.to;
    const i32 = new Int32Array(memory, to.state, to.stateBytes >> 2);
    const f32 = new Float32Array(memory, to.state, to.stateBytes >> 2);
    this.mends.push(() => mend(to.ctx, i32, f32));
  }

  /** Readers of streams that did not keep their own state begin where the reader before them was. */
  private streams(kept: ReadonlySet<number>): void {
    for (let stream = 0; stream < limits.streamsMax; stream++) {
      const source = readersOf(this.from, stream)[0];
      if (source === undefined) continue;
      for (const reader of readersOf(this.to, stream)) {
        if (!kept.has(reader.node)) this.copy(source.at, reader.at, 4);
      }
    }
  }
}

/** A performance of patches: it begins without any program. */
export function createPerformance(format: {
  rate: number;
  quantum: number;
  channels: number;
}): Performance<Renderer> {
  const streams = limits.streamsMax;
  return new Performance({ ...format, streams }, (from, to) => new Carry(from, to));
}

/** A performance of one patch alone, from its first quantum. */
export function performAlone(renderer: Renderer): Performance<Renderer> {
  const performance = createPerformance(renderer);
  performance.add(1, renderer);
  performance.begin(1, 0);
  return performance;
}

interface Copy {
  readonly part: Uint8Array;
  readonly into: Uint8Array;
  readonly at: number;
}

function placeOf({ program, layout }: Renderer, index: number) {
  const node = program.nodes[index]!;
  return { node, layout: layout.nodes[index]!, looped: layout.looped.has(index) };
}

/** Indexes before and after of the nodes that have kept their name and type. */
function knownNodes({ program: from }: Renderer, { program: to }: Renderer): [number, number][] {
  const before = new Map(from.nodes.map((node, index) => [node.name, index]));
  return to.nodes.flatMap(({ name, definition }, after): [number, number][] => {
    const index = before.get(name);
    if (index === undefined || from.nodes[index]!.definition.type !== definition.type) return [];
    return [[index, after]];
  });
}

/** Whether the state of a node before is one that the node after can have. */
function hasSameShape(from: Renderer, before: number, to: Renderer, after: number): boolean {
  const { node: old, layout: place } = placeOf(from, before);
  const { node, layout } = placeOf(to, after);
  const { definition } = node;
  return (
    understands(old.definition, definition) &&
    old.width === node.width &&
    old.lanes === node.lanes &&
    old.feedback === node.feedback &&
    place.stateBytes === layout.stateBytes &&
    (definition.mend !== undefined || hasSameOptions(old, node)) &&
    hasSameAssets(from, to, node)
  );
}

/** Whether a node's code understands the state that other code of it left. */
function understands(old: NodeDefinition, { code, stateVersion }: NodeDefinition): boolean {
  return old.code === code || (stateVersion !== undefined && old.stateVersion === stateVersion);
}

/** Options name assets by their number: behind it there may be another file now. */
function hasSameAssets({ sources: from }: Renderer, { sources: to }: Renderer, node: ProgramNode) {
  const options = Object.values(node.definition.options ?? {});
  return options.every(({ kind }, i) => {
    if (kind !== 'asset') return true;
    const before = from.assets[node.options[i]!];
    const after = to.assets[node.options[i]!];
    return before?.frames === after?.frames && before?.channels === after?.channels;
  });
}

function hasSameOptions(before: ProgramNode, after: ProgramNode): boolean {
  return isEqual(before.options, after.options) && isEqual(before.data, after.data);
}

function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Parameters for which the text says what it said before. */
function keptParams(
  from: Renderer,
  to: Renderer,
  known: readonly (readonly [number, number])[],
): [number, number][] {
  return known.flatMap(([before, after]) =>
    to.program.nodes[after]!.ports.flatMap((port, p): [number, number][] => {
      const other = from.program.nodes[before]!.ports[p];
      const said = port.kind === 'value' && other?.kind === 'value' && other.value === port.value;
      return said ? [[from.ramps.find(before, p), to.ramps.find(after, p)]] : [];
    }),
  );
}

/** Nodes that play a stream, and the byte that says how far they have read. */
function readersOf({ program, layout }: Renderer, stream: number): { node: number; at: number }[] {
  return program.nodes.flatMap(({ definition }, node) => {
    const { ctx, state } = layout.nodes[node]!;
    const word = definition.streamPosition?.(ctx, stream);
    return word === undefined ? [] : [{ node, at: state + 4 * word }];
  });
}
