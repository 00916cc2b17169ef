import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { NodeContext, NodeDefinition, PortContext, Width } from './node.js';
import { implicitNodes, type NodeLibrary, nodesByType, noNodes } from './nodes/index.js';

/**
 * A compiled patch. Nodes are in the order in which they render; a cable comes from an earlier
 * node, or from a later one where it closes a loop through a delay.
 */
export interface Program {
  readonly rate: number;
  readonly quantum: number;
  readonly channels: number;
  readonly seed: number;
  readonly nodes: readonly ProgramNode[];
}

export interface ProgramNode {
  /**
   * The name in the patch; of a node that the compiler made, what it was made for. By it a node is
   * known again in the program that follows.
   */
  readonly name: string;
  readonly definition: NodeDefinition;
  readonly width: Width;
  readonly lanes: number;
  /** Whether the definition's `feedback` port carries the previous quantum. */
  readonly feedback: boolean;
  /** In the order of the definition's options. */
  readonly options: readonly number[];
  readonly data: Float32Array;
  readonly ports: readonly ProgramPort[];
}

export type ProgramPort =
  | { readonly kind: 'value'; readonly value: number }
  /** One number for each lane. */
  | { readonly kind: 'lanes'; readonly values: Float32Array }
  | { readonly kind: 'cable'; readonly node: number; readonly output: number };

const MAGIC = 0x544e5450; // 'TNTP'
const VERSION = 2;
const HEADER_WORDS = 12;
const TYPE_BYTES = 16;
/** A node's name and a port's, with the dot between them. */
const NAME_BYTES_MAX = 256;
const widths: readonly Width[] = ['mono', 'stereo', 'voices'];
const portKinds = ['value', 'lanes', 'cable'] as const;

/** Writes the binary form: little-endian 32-bit words, self-contained, with a checksum. */
export function encodeProgram(program: Program): Uint8Array {
  const words: number[] = [MAGIC, VERSION, 0, 0];
  words.push(program.rate, program.quantum, program.channels, program.seed, program.nodes.length);
  while (words.length < HEADER_WORDS) words.push(0);
  for (const node of program.nodes) encodeNode(words, node);
  const out = Int32Array.from(words);
  out[2] = out.byteLength;
  out[3] = checksum(out);
  return new Uint8Array(out.buffer);
}

function encodeNode(words: number[], node: ProgramNode): void {
  const type = Buffer.alloc(TYPE_BYTES);
  type.write(node.definition.type, 'latin1');
  for (let i = 0; i < TYPE_BYTES; i += 4) words.push(type.readInt32LE(i));
  pushName(words, node.name);
  words.push(widths.indexOf(node.width), node.lanes, node.feedback ? 1 : 0);
  pushFloats(words, node.options);
  pushFloats(words, node.data);
  words.push(node.ports.length);
  for (const port of node.ports) {
    words.push(portKinds.indexOf(port.kind));
    if (port.kind === 'value') pushFloats(words, [port.value]);
    if (port.kind === 'lanes') pushFloats(words, port.values);
    if (port.kind === 'cable') words.push(port.node, port.output);
  }
}

/** Its length, then four characters to a word; names are plain ASCII. */
function pushName(words: number[], name: string): void {
  const bytes = Buffer.alloc(Math.ceil(name.length / 4) * 4);
  bytes.write(name, 'latin1');
  words.push(name.length);
  for (let i = 0; i < bytes.length; i += 4) words.push(bytes.readInt32LE(i));
}

function pushFloats(words: number[], values: ArrayLike<number>): void {
  const bits = new Int32Array(Float32Array.from(values).buffer);
  words.push(bits.length, ...bits);
}

/** FNV-1a over the words after the checksum itself (Fowler, Noll, Vo; word-wise). */
function checksum(words: Int32Array): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 4; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash;
}

function refuse(what: string): never {
  throw new TenutoError('TENUTO_PROGRAM_INVALID', `not a usable program: ${what}`);
}

/** Reads words and never past the end, whatever the lengths inside claim. */
class WordReader {
  private at = 0;
  constructor(private readonly words: Int32Array) {}

  next(): number {
    if (this.at >= this.words.length) refuse('it ends too early');
    return this.words[this.at++]!;
  }

  within(low: number, high: number, what: string): number {
    const value = this.next();
    if (value < low || value > high) refuse(`${what} is ${value}, not within ${low} to ${high}`);
    return value;
  }

  floats(): Float32Array {
    const length = this.within(0, this.words.length - this.at, 'a length');
    const bits = this.words.slice(this.at, this.at + length);
    this.at += length;
    const values = new Float32Array(bits.buffer);
    if (!values.every(Number.isFinite)) refuse('a number in it is not finite');
    return values;
  }

  name(): string {
    const length = this.within(0, NAME_BYTES_MAX, 'the length of a name');
    const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
    for (let i = 0; i < bytes.length; i += 4) bytes.writeInt32LE(this.next(), i);
    return bytes.toString('latin1', 0, length);
  }

  get ended(): boolean {
    return this.at === this.words.length;
  }
}

/**
 * Reads the binary form and checks everything that the renderer relies on.
 * @param own nodes of the user's that it may hold beside those that there are
 * @throws TenutoError TENUTO_PROGRAM_INVALID
 */
export function decodeProgram(bytes: Uint8Array, own: NodeLibrary = noNodes): Program {
  if (bytes.byteLength % 4 !== 0 || bytes.byteLength < HEADER_WORDS * 4) refuse('its length');
  if (bytes.byteLength > limits.programBytesMax) refuse('it is larger than the limit');
  const words = new Int32Array(bytes.slice().buffer);
  if (words[0] !== MAGIC) refuse('it does not begin like one');
  if (words[1] !== VERSION) refuse(`it has version ${words[1]}, this is version ${VERSION}`);
  if (words[2] !== bytes.byteLength) refuse('it is truncated');
  if (words[3] !== checksum(words)) refuse('its checksum does not match');
  const reader = new WordReader(words);
  for (let i = 0; i < 4; i++) reader.next();
  const rate = reader.within(limits.rateHzMin, limits.rateHzMax, 'the rate');
  const quantum = reader.within(limits.quantumFramesMin, limits.quantumFramesMax, 'the quantum');
  if (quantum % 4 !== 0) refuse('the quantum is no multiple of four');
  const channels = reader.within(1, limits.channelsMax, 'channels');
  const seed = reader.within(0, 0x7fffffff, 'the seed');
  const most = limits.patchNodesMax + implicitNodes.size;
  const count = reader.within(0, most, 'the number of nodes');
  for (let i = 9; i < HEADER_WORDS; i++) reader.next();
  const nodes = Array.from({ length: count }, () => decodeNode(reader, count, own));
  if (!reader.ended) refuse('something follows its end');
  if (new Set(nodes.map(({ name }) => name)).size < count) refuse('two nodes have one name');
  const program = { rate, quantum, channels, seed, nodes };
  nodes.forEach((_, index) => {
    checkNode(program, index);
  });
  return program;
}

function decodeNode(reader: WordReader, count: number, own: NodeLibrary): ProgramNode {
  const raw = Buffer.alloc(TYPE_BYTES);
  for (let i = 0; i < TYPE_BYTES; i += 4) raw.writeInt32LE(reader.next(), i);
  const type = raw.toString('latin1').replace(/\0+$/, '');
  const definition = nodesByType.get(type) ?? implicitNodes.get(type) ?? own.get(type);
  if (!definition) refuse('it has a node of unknown type');
  const name = reader.name();
  const width = widths[reader.within(0, widths.length - 1, 'a width')]!;
  const lanes = reader.within(0, limits.patchVoicesMax, 'a number of lanes');
  const feedback = reader.within(0, 1, 'a flag') === 1;
  const options = [...reader.floats()];
  const data = reader.floats();
  const ports: ProgramPort[] = [];
  const portCount = reader.within(0, definition.ports.length, 'a number of ports');
  for (let i = 0; i < portCount; i++) ports.push(decodePort(reader, count));
  return { name, definition, width, lanes, feedback, options, data, ports };
}

function decodePort(reader: WordReader, count: number): ProgramPort {
  const kind = portKinds[reader.within(0, portKinds.length - 1, 'a kind of port')]!;
  if (kind === 'lanes') return { kind, values: reader.floats() };
  if (kind === 'cable') {
    return {
      kind,
      node: reader.within(0, count - 1, 'a cable'),
      output: reader.within(0, 7, 'a cable'),
    };
  }
  const [value, ...rest] = reader.floats();
  if (value === undefined || rest.length > 0) refuse('a value has not one number');
  return { kind, value };
}

/** The streams that the nodes of a patch play themselves. */
export function namedStreams(nodes: readonly ProgramNode[]): Set<number> {
  const players = nodes.filter(({ definition }) => definition.type === 'stream');
  return new Set(players.map(({ options }) => options[0]!));
}

/** Outputs of a node: none of a sink, one of most. */
export function outputCount(definition: NodeDefinition): number {
  if (definition.lanes === 'sink') return 0;
  return definition.outputs?.length ?? 1;
}

function checkNode(program: Program, index: number): void {
  const node = program.nodes[index]!;
  const { definition } = node;
  if (node.ports.length !== definition.ports.length) refuse('a node lacks ports');
  const entries = Object.values(definition.options ?? {});
  if (node.options.length !== entries.length) refuse('a node lacks options');
  entries.forEach((option, i) => {
    const [low, high] = optionRange(option);
    const value = node.options[i]!;
    if (value < low || value > high) refuse('an option is out of range');
  });
  node.ports.forEach((port, i) => {
    if (port.kind === 'lanes' && port.values.length !== node.lanes) refuse('lanes of a port');
    if (port.kind !== 'cable') return;
    const source = program.nodes[port.node]!;
    if (port.output >= outputCount(source.definition)) refuse('a cable from no output');
    const isBack = node.feedback && definition.ports[i]!.name === definition.feedback;
    if (!isBack && port.node >= index) refuse('a cable runs backwards');
  });
  const trouble = widthTrouble(node, portContexts(program, node));
  if (trouble) refuse(trouble);
  const { lanes, width } = node;
  const fits = width === 'mono' ? lanes === 1 : width === 'stereo' ? lanes === 2 : lanes >= 1;
  if (!fits) refuse('lanes of a node');
  if (definition.accepts && !definition.accepts(contextOf(program, index))) refuse('its data');
}

function optionRange(option: NonNullable<NodeDefinition['options']>[string]): [number, number] {
  if (option.kind === 'choice') return [0, option.choices.length - 1];
  if (option.kind === 'number') return [Math.fround(option.min), Math.fround(option.max)];
  if (option.kind === 'flag') return [0, 1];
  if (option.kind === 'asset') return [0, limits.assetsMax - 1];
  return [0, 0];
}

/** What enters each port of `node`. */
export function portContexts(program: Pick<Program, 'nodes'>, node: ProgramNode): PortContext[] {
  return node.ports.map((port) => {
    if (port.kind !== 'cable') return { cabled: false, width: 'mono', lanes: 1 };
    const source = program.nodes[port.node]!;
    return { cabled: true, width: source.width, lanes: source.lanes };
  });
}

/** Why the cables into a node do not fit its width, or undefined when they do. */
export function widthTrouble(
  node: Pick<ProgramNode, 'definition' | 'width' | 'lanes'>,
  inputs: readonly PortContext[],
): string | undefined {
  if (node.definition.lanes === 'sum' || node.definition.lanes === 'sink') return undefined;
  const odd = inputs.find(
    (input) =>
      input.cabled &&
      input.width !== 'mono' &&
      (input.width !== node.width || input.lanes !== node.lanes),
  );
  return odd && `a cable of ${widthName(odd)} cannot enter a node of ${widthName(node)}`;
}

/** `mono`, `stereo` or `8 voices`. */
export function widthName(of: { width: Width; lanes: number }): string {
  return of.width === 'voices' ? `${of.lanes} voices` : of.width;
}

/** What node `index` knows when it is laid out. */
export function contextOf(program: Program, index: number): NodeContext {
  const node = program.nodes[index]!;
  const names = Object.keys(node.definition.options ?? {});
  const seed = Math.imul(program.seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  return {
    rate: program.rate,
    quantum: program.quantum,
    channels: program.channels,
    width: node.width,
    lanes: node.lanes,
    banks: Math.ceil(node.lanes / 4),
    inputs: portContexts(program, node),
    options: Object.fromEntries(names.map((name, i) => [name, node.options[i]!])),
    data: node.data,
    feedback: node.feedback,
    seed: (seed >>> 1) | 1,
  };
}
