import { z } from 'zod';
import type { PatchInfo } from '../../dsp/compiler.js';
import { outputCount, type Program, type ProgramNode, widthName } from '../../dsp/program.js';
import { readPatchInfo } from '../../engine/attach.js';
import { findProgram, readProgram } from '../../memory/programs.js';
import type { Segment } from '../../memory/segment.js';

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
function viewOf(info: PatchInfo, program: Program | undefined): PatchView {
  const named = new Map(Object.entries(info.names.nodes).map(([name, one]) => [one.node, name]));
  const cablesOf = (ports: ProgramNode['ports']): Cable[] =>
    ports.flatMap((port) => {
      if (port.kind !== 'cable' || program === undefined) return [];
      const source = program.nodes[port.node]!;
      const name = named.get(port.node);
      if (name === undefined) return cablesOf(source.ports);
      return [{ node: name, output: outputNames(source)[port.output] ?? 'out' }];
    });
  const nodes = Object.entries(info.names.nodes).map(([name, { type, node: index, ports }]) => {
    const made = program?.nodes[index];
    if (made === undefined) {
      const known = Object.keys(ports).map((port) => ({
        name: port,
        path: `${name}.${port}`,
        cables: [],
      }));
      return { name, type, width: '', outputs: [], ports: known };
    }
    return {
      name,
      type,
      width: widthName(made),
      outputs: outputNames(made),
      ports: made.definition.ports.map((port, place) => ({
        name: port.name,
        path: Object.hasOwn(ports, port.name) ? `${name}.${port.name}` : null,
        cables: cablesOf(made.ports.slice(place, place + 1)),
      })),
    };
  });
  const { name, file, text } = info.source;
  return { hash: info.hash, name, file, text, nodes };
}

/** The patch that plays after the last command; it may be another one the next time. */
export class PlayingPatch {
  private number = 0;
  private known: PatchView = { hash: '', name: '', file: '', text: '', nodes: [] };

  /**
   * @param numberNow which program plays after the last command
   * @param programOf the compiled form of a program, by which cables are known
   */
  constructor(
    private readonly segment: Segment,
    private readonly numberNow: () => number,
    private readonly programOf: (number: number) => Program | undefined,
  ) {}

  /** Tells one patch from another. */
  get hash(): string {
    return this.view().hash;
  }

  /** Reads it anew only when another one plays. */
  view(): PatchView {
    const number = this.numberNow();
    if (number === this.number) return this.known;
    const at = findProgram(this.segment, number);
    const content = at < 0 ? undefined : readProgram(this.segment, at);
    if (content?.number !== number) return this.known;
    this.known = viewOf(readPatchInfo(content), this.programOf(number));
    this.number = number;
    return this.known;
  }
}
