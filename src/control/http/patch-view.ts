import { z } from 'zod';
import type { PatchInfo } from '../../dsp/compiler.js';
import { outputCount, type Program, type ProgramNode, widthName } from '../../dsp/program.js';

/** The patch that plays: as its author knows it, and as it was compiled. */
export interface PlayingPatch {
  info: PatchInfo;
  program: Program;
}

const cable = z.strictObject({
  /** The node that it comes from, and which of its outputs. */
  node: z.string(),
  output: z.string(),
});

const node = z.strictObject({
  name: z.string(),
  type: z.string(),
  width: z.string().meta({ description: 'mono, stereo, or a number of voices' }),
  outputs: z.array(z.string()),
  ports: z.array(
    z.strictObject({
      name: z.string(),
      /** Where commands change it; null for one that holds nothing but a cable. */
      path: z.string().nullable(),
      cables: z.array(cable),
    }),
  ),
});

export const patchSchema = z
  .strictObject({
    hash: z.string(),
    name: z.string(),
    file: z.string(),
    text: z.string(),
    nodes: z.array(node),
  })
  .meta({ id: 'Patch', description: 'The patch that plays, as a graph and as text' });

/** The patch as people see it. */
export type PatchView = z.output<typeof patchSchema>;
type Cable = z.output<typeof cable>;

/** What a node gives, by name; a single output has none of its own. */
function outputNames({ definition }: ProgramNode): string[] {
  return [...(definition.outputs ?? (outputCount(definition) > 0 ? ['out'] : []))];
}

/** The graph as its author wrote it: what the compiler put between two nodes is left out. */
export function viewPatch({ info, program }: PlayingPatch): PatchView {
  const named = new Map(Object.entries(info.names.nodes).map(([name, one]) => [one.node, name]));
  const cablesOf = (ports: ProgramNode['ports']): Cable[] =>
    ports.flatMap((port) => {
      if (port.kind !== 'cable') return [];
      const source = program.nodes[port.node]!;
      const name = named.get(port.node);
      if (name === undefined) return cablesOf(source.ports);
      return [{ node: name, output: outputNames(source)[port.output] ?? 'out' }];
    });
  const nodes = Object.entries(info.names.nodes).flatMap(([name, { node: index, ports }]) => {
    const made = program.nodes[index];
    if (made === undefined) return [];
    return [
      {
        name,
        type: made.definition.type,
        width: widthName(made),
        outputs: outputNames(made),
        ports: made.definition.ports.map((port, place) => ({
          name: port.name,
          path: Object.hasOwn(ports, port.name) ? `${name}.${port.name}` : null,
          cables: cablesOf(made.ports.slice(place, place + 1)),
        })),
      },
    ];
  });
  const { name, file, text } = info.source;
  return { hash: info.hash, name, file, text, nodes };
}
