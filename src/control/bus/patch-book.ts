import type { PatchNames, PortName } from '../../dsp/compiler.js';
import { readQuantity, suffixesOf } from '../../dsp/quantity.js';
import { suggestion } from '../../dsp/suggestion.js';
import { TenutoError } from '../../errors.js';

/** A parameter that commands can change. */
export interface BookedPort extends PortName {
  /** As in `filter1.cutoff`. */
  readonly path: string;
}

/** Beats have no length here: a command knows no tempo. */
const noTempo = Number.NaN;

/** Finds parameters by the names of the patch, and reads values in their units. */
export class PatchBook {
  /** Every parameter by its path, in the order of the patch. */
  readonly ports: ReadonlyMap<string, BookedPort>;
  private readonly paths = new Map<number, string>();

  constructor(private readonly names: PatchNames) {
    const rows = Object.entries(names.nodes).flatMap(([node, { ports }]) =>
      Object.entries(ports).map(([port, place]): [string, BookedPort] => {
        const path = `${node}.${port}`;
        this.paths.set(placeKey(place.node, place.port), path);
        return [path, { ...place, path }];
      }),
    );
    this.ports = new Map(rows);
  }

  /** The path of a parameter; undefined for one that is not of the patch. */
  pathOf(node: number, port: number): string | undefined {
    return this.paths.get(placeKey(node, port));
  }

  /** @throws TenutoError `TENUTO_COMMAND_UNKNOWN` that says what was probably meant. */
  find(path: string): BookedPort {
    const port = this.ports.get(path);
    if (port !== undefined) return port;
    throw new TenutoError('TENUTO_COMMAND_UNKNOWN', this.whyUnknown(path));
  }

  /**
   * All parameters, those of a node, or one.
   *
   * @throws TenutoError `TENUTO_COMMAND_UNKNOWN`
   */
  select(path?: string): Iterable<BookedPort> {
    if (path === undefined) return this.ports.values();
    if (!Object.hasOwn(this.names.nodes, path)) return [this.find(path)];
    return Object.keys(this.names.nodes[path]!.ports).map((port) => this.find(`${path}.${port}`));
  }

  /**
   * A value in the unit of the port.
   *
   * @throws TenutoError `TENUTO_COMMAND_INVALID` for what is no such number,
   *   `TENUTO_COMMAND_RANGE`
   */
  read(port: BookedPort, given: number | string | boolean): number {
    const value = typeof given === 'string' ? numberIn(given, port) : Number(given);
    if (value === undefined || !Number.isFinite(value)) {
      const known = suffixesOf(port.unit).filter((suffix) => !suffix.startsWith('beat'));
      const units = known.length === 0 ? '' : `; units here: ${known.join(', ')}`;
      const text = `${port.path}: ${JSON.stringify(given)} is no number${units}`;
      throw new TenutoError('TENUTO_COMMAND_INVALID', text);
    }
    if (value < port.min || value > port.max) {
      const unit = port.unit === 'none' ? '' : ` ${port.unit}`;
      const text = `${port.path} goes from ${port.min} to ${port.max}${unit}, not to ${value}`;
      throw new TenutoError('TENUTO_COMMAND_RANGE', text);
    }
    return value;
  }

  private whyUnknown(path: string): string {
    const { nodes } = this.names;
    const dot = path.indexOf('.');
    const name = dot < 0 ? path : path.slice(0, dot);
    const quoted = `\`${path.slice(0, 80)}\``;
    if (!Object.hasOwn(nodes, name)) {
      return `${quoted}: no such node${suggestion(name, 'nodes', Object.keys(nodes))}`;
    }
    const ports = Object.keys(nodes[name]!.ports);
    const paths = ports.map((port) => `${name}.${port}`);
    return `${quoted}: no parameter to change${suggestion(path, 'parameters', paths)}`;
  }
}

function numberIn(text: string, { unit }: BookedPort): number | undefined {
  const plain = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(plain) ? readQuantity(text, unit, noTempo) : plain;
}

/** Whether a parameter is one that opens and closes. */
export function isGate({ unit, min, max, smoothingMs }: PortName): boolean {
  return unit === 'none' && min === 0 && max === 1 && smoothingMs === 0;
}

function placeKey(node: number, port: number): number {
  return node * 4096 + port;
}
