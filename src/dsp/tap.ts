import { TenutoError } from '../errors.js';
import type { PatchNames } from './compiler.js';
import type { NodeDefinition } from './node.js';
import { type NodeLibrary, nodesByType, noNodes } from './nodes/index.js';
import { outputCount } from './program.js';
import type { Renderer } from './renderer.js';
import { suggestion } from './suggestion.js';

/**
 * A point of a patch at which one can listen: an output of a node, what enters a port of it, or the
 * sum of all that is played.
 */
export interface TapPlace {
  readonly node: number;
  readonly kind: 'output' | 'port' | 'master';
  /** Which of the node's outputs or ports. */
  readonly index: number;
}

const masterName = 'master';
/** Words of a node's block before its ports, and words of a port: pointer and two strides. */
const portsAt = 8;
const portWords = 3;

/**
 * Finds a point by its name: `osc1` is what the node gives (of a node without an output, what it is
 * given), `seq1.freq` one output of several, `filter1.cutoff` what enters that port, be it a cable
 * or the number that commands change. `master` is all that is played, also what programs stream,
 * unless a node is called so.
 *
 * @throws TenutoError `TENUTO_PATCH_UNKNOWN`, with the names that there are
 */
export function findTap(names: PatchNames, address: string, own: NodeLibrary = noNodes): TapPlace {
  const [nodeName = '', part] = splitAddress(names, address);
  const entry = Object.hasOwn(names.nodes, nodeName) ? names.nodes[nodeName] : undefined;
  if (!entry && address === masterName) return { node: -1, kind: 'master', index: 0 };
  const definition = entry && (nodesByType.get(entry.type) ?? own.get(entry.type));
  if (!entry || !definition) refuse('node', nodeName, Object.keys(names.nodes));
  const { node } = entry;
  if (part === undefined) {
    const kind = outputCount(definition) > 0 ? 'output' : 'port';
    return { node, kind, index: 0 };
  }
  const output = definition.outputs?.indexOf(part) ?? -1;
  if (output >= 0) return { node, kind: 'output', index: output };
  const port = definition.ports.findIndex(({ name }) => name === part);
  if (port < 0) refuse(`point of ${nodeName}`, part, pointsOf(definition));
  return { node, kind: 'port', index: port };
}

function splitAddress(names: PatchNames, address: string): [string, string?] {
  const dot = address.lastIndexOf('.');
  if (dot < 0 || Object.hasOwn(names.nodes, address)) return [address];
  return [address.slice(0, dot), address.slice(dot + 1)];
}

/** The names behind the dot. */
function pointsOf(definition: NodeDefinition): string[] {
  return [...(definition.outputs ?? []), ...definition.ports.map(({ name }) => name)];
}

function refuse(what: string, name: string, known: readonly string[]): never {
  const rest = suggestion(name, `${what}s`, known);
  throw new TenutoError('TENUTO_PATCH_UNKNOWN', `there is no ${what} "${name}"${rest}`);
}

/** Reads what is at points of a patch, after each quantum that a renderer has rendered. */
export class TapReader {
  private readonly words: Int32Array;
  private readonly samples: Float32Array;

  /** @param master - all that is played, where that is more than what this renderer gives */
  constructor(
    private readonly renderer: Renderer,
    private readonly master: Float32Array = renderer.output,
  ) {
    this.words = new Int32Array(renderer.memory);
    this.samples = new Float32Array(renderer.memory);
  }

  /** Lanes at a point: 1 for mono, 2 for stereo, the number of voices. */
  lanes({ node, kind, index }: TapPlace): number {
    if (kind === 'master') return this.renderer.channels;
    const { ctx } = this.renderer.layout.nodes[node]!;
    if (kind === 'output') return ctx.lanes;
    const input = ctx.inputs[index];
    return input?.cabled ? input.lanes : 1;
  }

  /**
   * Copies what was at a point in the quantum rendered last, interleaved: frame f, lane l at
   * f * lanes + l. Allocation-free.
   */
  read(place: TapPlace, into: Float32Array): void {
    if (place.kind === 'master') {
      into.set(this.master);
      return;
    }
    const { layout, quantum } = this.renderer;
    const { ctx, block, output } = layout.nodes[place.node]!;
    const lanes = this.lanes(place);
    const bankBytes = quantum * 16;
    let pointer = output + place.index * ctx.banks * bankBytes;
    let frameStride = 16;
    let bankStride = bankBytes;
    if (place.kind === 'port') {
      const word = block / 4 + portsAt + place.index * portWords;
      pointer = this.words[word]!;
      frameStride = this.words[word + 1]!;
      bankStride = this.words[word + 2]!;
    }
    for (let lane = 0; lane < lanes; lane++) {
      let at = (pointer + (lane >> 2) * bankStride) / 4 + (lane & 3);
      for (let frame = 0; frame < quantum; frame++) {
        into[frame * lanes + lane] = this.samples[at]!;
        at += frameStride >> 2;
      }
    }
  }
}
