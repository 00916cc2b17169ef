import type { GraphNode } from './graph.js';

/** The order in which nodes render, and which of them close a loop. */
export interface Order {
  /** Indexes of nodes, first to last. Shorter than the graph when a cycle is left. */
  readonly order: readonly number[];
  /** Nodes whose `feedback` port carries the previous quantum. */
  readonly feedback: ReadonlySet<number>;
  /** A cycle without a delay: the indexes once around, or nothing. */
  readonly cycle: readonly number[];
}

/**
 * Orders a graph so that each node follows what it reads; among those that are ready the earlier
 * one in the patch comes first, so the order depends on the patch only. Loops are cut at the
 * `feedback` port of the delays in them.
 */
export function orderGraph(nodes: readonly GraphNode[]): Order {
  const inputs = nodes.map((node) =>
    node.ports.map((port) => (port.kind === 'cable' ? port.node : -1)),
  );
  const loops = components(inputs);
  const feedback = new Set<number>();
  nodes.forEach((node, index) => {
    const port = node.definition.ports.findIndex(({ name }) => name === node.definition.feedback);
    if (port < 0) return;
    const source = inputs[index]![port]!;
    if (source < 0 || loops[source] !== loops[index]) return;
    feedback.add(index);
    inputs[index]![port] = -1;
  });
  const order = sortStable(inputs);
  return { order, feedback, cycle: order.length < nodes.length ? findCycle(inputs, order) : [] };
}

/** Kahn 1962, always taking the ready node with the lowest index. */
function sortStable(inputs: readonly (readonly number[])[]): number[] {
  const waiting = inputs.map((sources) => sources.filter((source) => source >= 0).length);
  const readers: number[][] = inputs.map(() => []);
  inputs.forEach((sources, index) => {
    for (const source of sources) if (source >= 0) readers[source]!.push(index);
  });
  const ready = waiting.flatMap((count, index) => (count === 0 ? [index] : []));
  const order: number[] = [];
  while (ready.length > 0) {
    let least = 0;
    for (let i = 1; i < ready.length; i++) if (ready[i]! < ready[least]!) least = i;
    const [index] = ready.splice(least, 1);
    order.push(index!);
    for (const reader of readers[index!]!) {
      waiting[reader]!--;
      if (waiting[reader] === 0) ready.push(reader);
    }
  }
  return order;
}

/** Walks against the cables among nodes that could not be ordered until one comes twice. */
function findCycle(inputs: readonly (readonly number[])[], order: readonly number[]): number[] {
  const done = new Set(order);
  const trail: number[] = [];
  let at = inputs.findIndex((_, index) => !done.has(index));
  while (!trail.includes(at)) {
    trail.push(at);
    at = inputs[at]!.find((source) => source >= 0 && !done.has(source))!;
  }
  const around = trail.slice(trail.indexOf(at)).reverse();
  // Told from the node that comes first in the patch.
  const first = around.indexOf(Math.min(...around));
  return [...around.slice(first), ...around.slice(0, first)];
}

/** Strongly connected components (Tarjan 1972, with its own stack: patches may be long chains). */
function components(inputs: readonly (readonly number[])[]): number[] {
  const component = inputs.map(() => -1);
  const number = inputs.map(() => -1);
  const low = inputs.map(() => 0);
  const stack: number[] = [];
  let counter = 0;
  for (let root = 0; root < inputs.length; root++) {
    if (number[root] !== -1) continue;
    const work: { index: number; next: number }[] = [{ index: root, next: 0 }];
    while (work.length > 0) {
      const frame = work[work.length - 1]!;
      const { index } = frame;
      if (frame.next === 0) {
        number[index] = counter;
        low[index] = counter++;
        stack.push(index);
      }
      const source = inputs[index]![frame.next++];
      if (source !== undefined) {
        if (source < 0) continue;
        if (number[source] === -1) work.push({ index: source, next: 0 });
        else if (component[source] === -1) low[index] = Math.min(low[index]!, number[source]!);
        continue;
      }
      work.pop();
      const parent = work[work.length - 1];
      if (parent) low[parent.index] = Math.min(low[parent.index]!, low[index]!);
      if (low[index] !== number[index]) continue;
      let member: number;
      do {
        member = stack.pop()!;
        component[member] = index;
      } while (member !== index);
    }
  }
  return component;
}
