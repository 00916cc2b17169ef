import type { GraphNode } from './graph.js';
import type { NodeContext, PortContext, Width } from './node.js';
import type { PatchReport } from './patch-text.js';
import { widthName, widthTrouble } from './program.js';

/** The width of a node's output and its lanes. */
export interface NodeWidth {
  readonly width: Width;
  readonly lanes: number;
}

const mono: NodeWidth = { width: 'mono', lanes: 1 };
const stereo: NodeWidth = { width: 'stereo', lanes: 2 };

/**
 * Finds the width of every node from what enters it, and reports cables that do not fit.
 * `assetChannels` by index of the asset.
 */
export function findWidths(
  nodes: readonly GraphNode[],
  report: PatchReport,
  assetChannels: readonly number[],
): NodeWidth[] {
  const widths: NodeWidth[] = nodes.map(() => mono);
  // A width only ever grows, but round a loop it takes several passes to arrive.
  let isStable = false;
  for (let pass = 0; !isStable && pass <= nodes.length; pass++) {
    isStable = true;
    nodes.forEach((node, index) => {
      const found = widthOf(node, inputsOf(node, widths), assetChannels);
      if (found.width === widths[index]!.width && found.lanes === widths[index]!.lanes) return;
      widths[index] = found;
      isStable = false;
    });
  }
  nodes.forEach((node, index) => {
    const inputs = inputsOf(node, widths);
    node.ports.forEach((port, p) => {
      if (port.kind !== 'cable') return;
      const alone = inputs.map((input, i) => (i === p ? input : { ...mono, cabled: false }));
      const trouble =
        widthTrouble({ definition: node.definition, ...widths[index]! }, alone) ??
        sinkTrouble(node, inputs[p]!);
      if (!trouble) return;
      const remedy = 'sum voices with a `mix` node, and make stereo with `pan` or `mix`';
      const text = `${trouble} (\`${node.label}\`); ${remedy}`;
      report.add('TENUTO_PATCH_INVALID', port.path, text);
    });
  });
  return widths;
}

function sinkTrouble(node: GraphNode, input: PortContext): string | undefined {
  if (node.definition.lanes !== 'sink' || input.width !== 'voices') return undefined;
  return `a cable of ${widthName(input)} cannot be played`;
}

function inputsOf(node: GraphNode, widths: readonly NodeWidth[]): PortContext[] {
  return node.ports.map((port) =>
    port.kind === 'cable' ? { ...widths[port.node]!, cabled: true } : { ...mono, cabled: false },
  );
}

function widthOf(
  node: GraphNode,
  inputs: readonly PortContext[],
  assetChannels: readonly number[],
): NodeWidth {
  const { definition, voices } = node;
  switch (definition.lanes) {
    case 'mono':
    case 'sink':
      return mono;
    case 'stereo':
      return stereo;
    case 'sum':
      return definition.stereo?.({ inputs, options: optionsOf(node) }) ? stereo : mono;
    case 'asset': {
      const index = optionsOf(node)[assetOption(node)] ?? 0;
      return (assetChannels[index] ?? 2) > 1 ? stereo : mono;
    }
    case 'widest': {
      if (voices !== undefined && voices > 1) return { width: 'voices', lanes: voices };
      const wide = inputs.find(({ width }) => width !== 'mono');
      return wide ? { width: wide.width, lanes: wide.lanes } : mono;
    }
  }
}

function optionsOf(node: GraphNode): NodeContext['options'] {
  const names = Object.keys(node.definition.options ?? {});
  return Object.fromEntries(names.map((name, i) => [name, node.options[i]!]));
}

function assetOption(node: GraphNode): string {
  const options = Object.entries(node.definition.options ?? {});
  return options.find(([, option]) => option.kind === 'asset')?.[0] ?? '';
}
