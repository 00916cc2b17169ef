import { limits } from '../limits.js';
import type { NodeDefinition } from './node.js';
import { nodesByType } from './nodes/index.js';
import type { Patch, PatchNode } from './patch.js';
import type { Cable, Source } from './patch-source.js';
import type { PatchReport, Path } from './patch-text.js';
import { suggestion } from './suggestion.js';

/** A patch with its cables resolved, and with `scale` nodes for amounts, offsets and sums. */
export interface GraphNode {
  /** The name in the patch; for a `scale` made here, `node.port` of what it feeds. */
  readonly label: string;
  readonly path: Path;
  readonly definition: NodeDefinition;
  readonly voices: number | undefined;
  readonly options: readonly number[];
  readonly data: Float32Array;
  readonly ports: GraphPort[];
}

export type GraphPort =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'lanes'; readonly values: readonly number[]; readonly path: Path }
  | { readonly kind: 'spread'; readonly low: number; readonly high: number; readonly path: Path }
  | { readonly kind: 'cable'; readonly node: number; readonly output: number; readonly path: Path };

/** The graph, and which port a command to `node.port` of the patch changes. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** By name in the patch: the index of the node. */
  readonly indexes: ReadonlyMap<string, number>;
  /** By `node.port`: where its number is, if a number is part of it. */
  readonly controls: ReadonlyMap<string, { readonly node: number; readonly port: number }>;
}

/** Resolves names and expands sources. Mistakes go to `report`. */
export function buildGraph(patch: Patch, report: PatchReport): Graph {
  return new GraphBuilder(patch, report).build();
}

const silent: GraphPort = { kind: 'value', value: 0 };
const unity: GraphPort = { kind: 'value', value: 1 };
const IN = 0;
const AMOUNT = 1;
const OFFSET = 2;

class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly indexes = new Map<string, number>();
  private readonly controls = new Map<string, { node: number; port: number }>();
  private readonly byName: ReadonlyMap<string, PatchNode>;

  constructor(
    private readonly patch: Patch,
    private readonly report: PatchReport,
  ) {
    this.byName = new Map(patch.nodes.map((node) => [node.name, node]));
  }

  build(): Graph {
    // All named nodes first, so that cables can point at nodes that come later in the text.
    for (const node of this.patch.nodes) {
      const { name, definition, voices, options, data } = node;
      this.indexes.set(name, this.nodes.length);
      const path = ['nodes', name];
      this.nodes.push({ label: name, path, definition, voices, options, data, ports: [] });
    }
    this.patch.nodes.forEach((node, index) => {
      this.plug(node, index);
    });
    if (this.nodes.length > limits.patchNodesMax) {
      const text = `with the nodes for amounts and sums there are ${this.nodes.length}, more than ${limits.patchNodesMax}`;
      this.report.add('TENUTO_PATCH_LIMIT', ['nodes'], text, 'key');
    }
    return { nodes: this.nodes, indexes: this.indexes, controls: this.controls };
  }

  private plug(node: PatchNode, index: number): void {
    node.definition.ports.forEach((port, p) => {
      const source = node.ports.get(port.name);
      const standard = port.unit === 'bpm' ? this.patch.tempo : port.default;
      const plugged =
        source === undefined
          ? { port: { kind: 'value', value: standard } as const, control: undefined }
          : this.expand(source, `${node.name}.${port.name}`);
      this.nodes[index]!.ports.push(plugged.port);
      const control = plugged.port.kind === 'value' ? { node: index, port: p } : plugged.control;
      if (control) this.controls.set(`${node.name}.${port.name}`, control);
    });
  }

  /** Turns a source into what a port holds; `control` is where its number ended up, if inside. */
  private expand(source: Source, label: string): Expanded {
    if (source.kind === 'number') return { port: { kind: 'value', value: source.value } };
    if (source.kind === 'lanes' || source.kind === 'spread') return { port: source };
    if (source.kind === 'cable') return this.expandCable(source, label);
    const numbers = source.items.filter((item) => item.kind === 'number');
    const others = source.items.filter((item) => item.kind !== 'number');
    const total = numbers.reduce((sum, item) => sum + item.value, 0);
    let result: Expanded = { port: { kind: 'value', value: total } };
    others.forEach((item, i) => {
      const inner = this.expand(item, label);
      // The first item without a number beside it needs no node of its own.
      const isFree = i === 0 && numbers.length === 0;
      result = isFree ? inner : this.addScale(label, inner.port, unity, result);
    });
    return result;
  }

  private expandCable(source: Cable, label: string): Expanded {
    const port = this.resolve(source);
    if (source.amount === undefined && source.offset === undefined) return { port };
    const amount = source.amount ? this.expand(source.amount, label).port : unity;
    const offset = source.offset ? this.expand(source.offset, label) : { port: silent };
    return this.addScale(label, port, amount, offset);
  }

  private addScale(label: string, input: GraphPort, amount: GraphPort, offset: Expanded): Expanded {
    const node = this.nodes.length;
    const ports: GraphPort[] = [];
    ports[IN] = input;
    ports[AMOUNT] = amount;
    ports[OFFSET] = offset.port;
    const path = ['nodes', ...label.split('.')];
    const definition = nodesByType.get('scale')!;
    const data = new Float32Array(0);
    this.nodes.push({ label, path, definition, voices: undefined, options: [], data, ports });
    const own = offset.port.kind === 'value' ? { node, port: OFFSET } : offset.control;
    return { port: { kind: 'cable', node, output: 0, path }, control: own };
  }

  private resolve(source: Cable): GraphPort {
    const [name = '', outputName, ...rest] = source.from.split('.');
    const refuse = (message: string): GraphPort => {
      this.report.add('TENUTO_PATCH_UNKNOWN', source.path, message);
      return silent;
    };
    const target = this.byName.get(name);
    if (!target || rest.length > 0) {
      const wrong = source.from.slice(0, 80);
      return refuse(`unknown node \`${wrong}\`${suggestion(wrong, 'nodes', this.byName.keys())}`);
    }
    const { definition } = target;
    if (definition.lanes === 'sink') return refuse(`\`${name}\` has no output`);
    const node = this.indexes.get(name)!;
    if (!definition.outputs) {
      if (outputName === undefined) return { kind: 'cable', node, output: 0, path: source.path };
      return refuse(`\`${name}\` has one output only; write \`${name}\``);
    }
    const output = definition.outputs.indexOf(outputName ?? '');
    if (output >= 0) return { kind: 'cable', node, output, path: source.path };
    const outputs = definition.outputs.map((each) => `${name}.${each}`);
    return refuse(
      outputName === undefined
        ? `\`${name}\` has several outputs; write one of ${outputs.join(', ')}`
        : `unknown output \`${source.from.slice(0, 80)}\`${suggestion(source.from, 'outputs', outputs)}`,
    );
  }
}

interface Expanded {
  readonly port: GraphPort;
  readonly control?: { readonly node: number; readonly port: number } | undefined;
}
