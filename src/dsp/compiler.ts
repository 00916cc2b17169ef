import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { assert, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { layoutProgram } from './arena.js';
import { buildGraph, type Graph, type GraphNode, type GraphPort } from './graph.js';
import type { NodeDefinition, Unit } from './node.js';
import { implicitNodes } from './nodes/index.js';
import { orderGraph } from './order.js';
import type { OwnModule } from './own-nodes.js';
import type { Patch } from './patch.js';
import { PatchReport } from './patch-text.js';
import {
  encodeProgram,
  namedStreams,
  type Program,
  type ProgramNode,
  type ProgramPort,
} from './program.js';
import { findWidths } from './widths.js';

export { type Patch, parsePatch } from './patch.js';

/** What the compiler must know of a decoded file. */
export interface AssetInfo {
  /** The name under `assets`. */
  readonly name: string;
  readonly channels: number;
}

export interface CompileOptions {
  /** Frames in a second. */
  readonly rate: number;
  /** Frames in a quantum, a multiple of four. */
  readonly quantum: number;
  /** Channels of the device. */
  readonly channels: number;
  /** A file that is not described here is taken to be stereo. */
  readonly assets?: readonly AssetInfo[];
}

export interface CompiledPatch {
  /** Self-contained; a Renderer loads it without reading any text. */
  readonly program: Uint8Array;
  /** The first 16 hexadecimal digits of the program's SHA-256, to tell programs apart. */
  readonly hash: string;
  readonly names: PatchNames;
  /** Bytes of its state, that is of a snapshot. */
  readonly stateBytes: number;
  readonly source: PatchText;
  /** Files to decode, in the order of `Sources.assets`. */
  readonly assets: readonly WantedAsset[];
  /** The code of the user's nodes in it, where it has any. */
  readonly modules?: readonly OwnModule[];
}

export interface WantedAsset {
  readonly name: string;
  /** As the patch says it. */
  readonly file: string;
  /** Seen from the folder of the patch. */
  readonly path: string;
}

/** A patch as its author knows it. */
export interface PatchText {
  readonly name: string;
  /** The file's name as given. */
  readonly file: string;
  readonly text: string;
}

/** What travels beside a program, for people: plain data. */
export interface PatchInfo extends Pick<CompiledPatch, 'hash' | 'names' | 'source' | 'modules'> {
  /** It came by a command, and is not what the engine was told to begin with. */
  readonly loaded?: true;
}

/** What travels beside a compiled patch. */
export function infoOf(
  { hash, names, source, modules }: CompiledPatch,
  isLoaded: boolean,
): PatchInfo {
  return { hash, names, source, ...(modules && { modules }), ...(isLoaded && { loaded: true }) };
}

/** How control addresses what is in a program, as in `filter1.cutoff`. Plain data. */
export interface PatchNames {
  readonly nodes: Readonly<Record<string, NodeName>>;
}

export interface NodeName {
  readonly type: string;
  /** The node's index in the program, for `Renderer.readMeter`. */
  readonly node: number;
  /** The ports that commands can change; a port that holds nothing but a cable is not here. */
  readonly ports: Readonly<Record<string, PortName>>;
}

export interface PortName {
  /** Words 1 and 2 of a command. */
  readonly node: number;
  readonly port: number;
  readonly unit: Unit;
  readonly min: number;
  readonly max: number;
  /** The shortest ramp of a `set`; 0 for gates and switches. */
  readonly smoothingMs: number;
  /** What the patch sets. */
  readonly value: number;
}

/**
 * Compiles a patch for one rate and quantum. Pure: the same patch gives the same bytes.
 * @throws TenutoError TENUTO_PATCH_UNKNOWN, TENUTO_PATCH_CYCLE, TENUTO_PATCH_INVALID,
 *   TENUTO_PATCH_LIMIT
 */
export function compilePatch(patch: Patch, options: CompileOptions): CompiledPatch {
  const { quantum, rate, channels } = options;
  assert(quantum % 4 === 0 && quantum <= limits.quantumFramesMax, 'the quantum is a multiple of 4');
  const report = new PatchReport(patch.locate);
  const graph = buildGraph(patch, report);
  report.refuseIfAny();
  const { order, feedback, cycle } = orderGraph(graph.nodes);
  if (cycle.length > 0) {
    const names = [...new Set(cycle.map((index) => graph.nodes[index]!.label))];
    const first = graph.nodes[cycle[0]!]!;
    const around = [...names, names[0]!].join(' -> ');
    report.add('TENUTO_PATCH_CYCLE', first.path, `a cycle without a delay: ${around}`, 'key');
    report.refuseIfAny();
  }
  const widths = findWidths(graph.nodes, report, channelsOf(patch, options));
  report.refuseIfAny();
  const place = new Map(order.map((index, at) => [index, at]));
  const labels = distinctLabels(graph.nodes);
  const nodes = order.map((index): ProgramNode => {
    const node = graph.nodes[index]!;
    const name = labels[index]!;
    const { width, lanes } = widths[index]!;
    const ports = node.ports.map((port) => programPort(port, lanes, place, report));
    const { definition, data, options: values } = node;
    const isLoop = feedback.has(index);
    return { name, definition, width, lanes, feedback: isLoop, options: values, data, ports };
  });
  report.refuseIfAny();
  nodes.push(unnamedStreams(nodes));
  const program: Program = { rate, quantum, channels, seed: patch.seed, nodes };
  const stateBytes = stateBytesOf(patch, program);
  const bytes = encodeProgram(program);
  if (bytes.byteLength > limits.programBytesMax) {
    const size = `${limits.programBytesMax >> 10} KiB`;
    throw new TenutoError('TENUTO_PATCH_LIMIT', `${patch.file}: compiled, it exceeds ${size}`);
  }
  return {
    program: bytes,
    hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    stateBytes,
    names: nameTable(patch, graph, place),
    source: { name: patch.name, file: patch.file, text: patch.text },
    assets: patch.assets.map(({ name, file }) => ({
      name,
      file,
      path: resolve(dirname(patch.file), file),
    })),
  };
}

/** Nodes made for amounts and sums are told apart by their order within what they were made for. */
function distinctLabels(nodes: readonly GraphNode[]): string[] {
  const used = new Map<string, number>();
  return nodes.map(({ label }) => {
    const before = used.get(label) ?? 0;
    used.set(label, before + 1);
    return before === 0 ? label : `${label}.${before + 1}`;
  });
}

/** What programs play into streams that no node of the patch names is heard on top of it. */
function unnamedStreams(nodes: readonly ProgramNode[]): ProgramNode {
  const definition = implicitNodes.get('streams')!;
  const data = Float32Array.from(namedStreams(nodes));
  return {
    name: '',
    definition,
    width: 'mono',
    lanes: 1,
    feedback: false,
    options: [],
    data,
    ports: [],
  };
}

function channelsOf(patch: Patch, options: CompileOptions): number[] {
  return patch.assets.map(
    ({ name }) => options.assets?.find((asset) => asset.name === name)?.channels ?? 2,
  );
}

function programPort(
  port: GraphPort,
  lanes: number,
  place: ReadonlyMap<number, number>,
  report: PatchReport,
): ProgramPort {
  if (port.kind === 'value') return port;
  if (port.kind === 'cable') {
    return { kind: 'cable', node: place.get(port.node)!, output: port.output };
  }
  if (port.kind === 'spread') {
    const step = lanes === 1 ? 0 : (port.high - port.low) / (lanes - 1);
    const values = Float32Array.from({ length: lanes }, (_, lane) => port.low + step * lane);
    return { kind: 'lanes', values };
  }
  if (port.values.length !== lanes) {
    const text = `${port.values.length} numbers for ${lanes} lanes; write ${lanes}, or set \`voices\``;
    report.add('TENUTO_PATCH_INVALID', port.path, text);
  }
  return { kind: 'lanes', values: Float32Array.from(port.values) };
}

/** @throws TenutoError `TENUTO_PATCH_LIMIT` */
function stateBytesOf(patch: Patch, program: Program): number {
  try {
    const { base, persistentEnd } = layoutProgram(program, 0);
    return persistentEnd - base;
  } catch (cause) {
    if (!(cause instanceof TenutoError)) throw cause;
    throw new TenutoError(cause.code, `${patch.file}: ${cause.message}`, { cause });
  }
}

function nameTable(patch: Patch, graph: Graph, place: ReadonlyMap<number, number>): PatchNames {
  const nodes = patch.nodes.map(({ name, definition }): [string, NodeName] => {
    const node = place.get(graph.indexes.get(name)!)!;
    const ports = definition.ports.flatMap((port): [string, PortName][] => {
      const control = graph.controls.get(`${name}.${port.name}`);
      if (!control) return [];
      const at = { node: place.get(control.node)!, port: control.port };
      return [
        [
          port.name,
          { ...at, ...rangeOf(definition, port.name), value: valueAt(graph.nodes, control) },
        ],
      ];
    });
    return [name, { type: definition.type, node, ports: Object.fromEntries(ports) }];
  });
  return { nodes: Object.fromEntries(nodes) };
}

function rangeOf(
  definition: NodeDefinition,
  portName: string,
): Pick<PortName, 'unit' | 'min' | 'max' | 'smoothingMs'> {
  const port = definition.ports.find(({ name }) => name === portName)!;
  const { unit, min, max, smoothingMs } = port;
  return { unit, min, max, smoothingMs };
}

function valueAt(nodes: readonly GraphNode[], at: { node: number; port: number }): number {
  const port = nodes[at.node]!.ports[at.port]!;
  assert(port.kind === 'value', 'a control is a number');
  return port.value;
}
