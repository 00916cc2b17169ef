import type { PatchView } from '../../src/control/http/patch-view.js';

type GraphNode = PatchView['nodes'][number];

/** A node's place in the picture, in units of columns and rows. */
export interface Placed {
  node: GraphNode;
  column: number;
  row: number;
}

/** A cable between two nodes. */
export interface Wire {
  from: string;
  to: string;
  port: string;
  /** Whether it runs against the others, as a loop through a delay does. */
  isBack: boolean;
}

/** How often the rows are put into a better order; more changes nothing that is seen. */
const sweeps = 8;

function wiresOf(nodes: readonly GraphNode[]): Wire[] {
  const order = new Map(nodes.map(({ name }, index) => [name, index]));
  const seen = new Set<string>();
  return nodes.flatMap(({ name: to, ports }) =>
    ports.flatMap(({ name: port, cables }) =>
      cables.flatMap(({ node: from }) => {
        if (seen.has(`${from} ${to} ${port}`) || !order.has(from)) return [];
        seen.add(`${from} ${to} ${port}`);
        return [{ from, to, port, isBack: false }];
      }),
    ),
  );
}

/** Marks the cables that close a loop, by a walk that meets a node that it has not left yet. */
function markBack(nodes: readonly GraphNode[], wires: Wire[]): void {
  const outgoing = new Map<string, Wire[]>();
  for (const wire of wires) outgoing.set(wire.from, [...(outgoing.get(wire.from) ?? []), wire]);
  const done = new Set<string>();
  const open = new Set<string>();
  const walk = (name: string) => {
    open.add(name);
    for (const wire of outgoing.get(name) ?? []) {
      if (open.has(wire.to)) wire.isBack = true;
      else if (!done.has(wire.to)) walk(wire.to);
    }
    open.delete(name);
    done.add(name);
  };
  for (const { name } of nodes) if (!done.has(name)) walk(name);
}

/** Every node one column after the last of those that feed it; sources next to what they feed. */
function columnsOf(nodes: readonly GraphNode[], wires: readonly Wire[]): Map<string, number> {
  const columns = new Map(nodes.map(({ name }) => [name, 0]));
  const forward = wires.filter(({ isBack }) => !isBack);
  for (let round = 0; round < nodes.length; round++) {
    let moved = false;
    for (const { from, to } of forward) {
      const least = columns.get(from)! + 1;
      if (columns.get(to)! >= least) continue;
      columns.set(to, least);
      moved = true;
    }
    if (!moved) break;
  }
  for (const { name } of [...nodes].reverse()) {
    const next = forward.filter(({ from }) => from === name).map(({ to }) => columns.get(to)!);
    if (next.length > 0) columns.set(name, Math.max(columns.get(name)!, Math.min(...next) - 1));
  }
  return columns;
}

/** Lays a patch out from left to right, with few cables that cross. */
export function layOut(nodes: readonly GraphNode[]): { placed: Placed[]; wires: Wire[] } {
  const wires = wiresOf(nodes);
  markBack(nodes, wires);
  const columns = columnsOf(nodes, wires);
  const ranks: string[][] = [];
  for (const { name } of nodes) {
    const column = columns.get(name)!;
    ranks[column] ??= [];
    ranks[column].push(name);
  }
  const rows = new Map<string, number>();
  const number = () => {
    for (const rank of ranks) {
      rank?.forEach((name, row) => {
        rows.set(name, row - (rank.length - 1) / 2);
      });
    }
  };
  number();
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const neighbours = (name: string) =>
      wires.flatMap(({ from, to }) => (from === name ? [to] : to === name ? [from] : []));
    for (const rank of ranks) {
      const middle = new Map(
        (rank ?? []).map((name) => {
          const near = neighbours(name).map((one) => rows.get(one)!);
          const sum = near.reduce((total, row) => total + row, 0);
          return [name, near.length === 0 ? rows.get(name)! : sum / near.length];
        }),
      );
      rank?.sort((a, b) => middle.get(a)! - middle.get(b)!);
    }
    number();
  }
  const top = Math.min(0, ...rows.values());
  const placed = nodes.map((node) => ({
    node,
    column: columns.get(node.name)!,
    row: rows.get(node.name)! - top,
  }));
  return { placed, wires };
}
