import { suggestion } from '../../dsp/suggestion.js';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Change } from '../bus/command.js';
import { isGate, type PatchBook } from '../bus/patch-book.js';
import { compilePattern, isPattern } from './address-pattern.js';
import type { OscMessage, OscValue } from './packet.js';

/** What a message asks for. */
export type Intent =
  | { kind: 'change'; changes: Change[] }
  | { kind: 'get'; path: string | undefined }
  | { kind: 'status' }
  /** An answer once all that came before has taken effect. */
  | { kind: 'sync'; token: string | number }
  /** Whether the sender wants to hear of every command of its own. */
  | { kind: 'notify'; isOn: boolean };

/** Makes of a message's values what one concrete address stands for. */
type Reader = (values: readonly OscValue[]) => Intent;

/** Names of parameters that other systems use, where a node has none of that name. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  cutoff: ['freq', 'frequency'],
  freq: ['frequency'],
  resonance: ['q', 'res'],
  q: ['resonance', 'res'],
  gain: ['level', 'amp'],
};

/** The port that opens and closes a node as a whole. */
const mainGates = ['gate', 'run'];

const patternsKept = 128;

/**
 * The addresses of a patch: `/mod/<node>/<param>`, `/gate/<node>`, `/trigger/<node>`, `/engine/...`
 * as Music Chronus has them, and `/set`, `/get` and the like by path. docs/control.md lists them.
 */
export class OscAddresses {
  private readonly readers = new Map<string, Reader>(fixedReaders);
  private readonly byAlias = new Set<string>();
  private readonly matched = new Map<string, readonly Reader[]>();

  constructor(book: PatchBook) {
    for (const port of book.ports.values()) {
      const [node, name] = port.path.split('.') as [string, string];
      const set = setReader(port.path);
      this.readers.set(`/mod/${node}/${name}`, set);
      for (const alias of aliases[name] ?? []) {
        if (book.ports.has(`${node}.${alias}`)) continue;
        this.readers.set(`/mod/${node}/${alias}`, set);
        this.byAlias.add(`/mod/${node}/${alias}`);
      }
      if (!isGate(port)) continue;
      this.readers.set(`/gate/${node}/${name}`, gateReader(port.path));
      this.readers.set(`/trigger/${node}/${name}`, triggerReader(port.path));
      if (!mainGates.includes(name)) continue;
      this.readers.set(`/gate/${node}`, gateReader(port.path));
      this.readers.set(`/trigger/${node}`, triggerReader(port.path));
    }
  }

  /**
   * What a message asks for; a pattern asks for all that it stands for, as one change.
   *
   * @throws TenutoError `TENUTO_COMMAND_UNKNOWN`, `TENUTO_COMMAND_INVALID`
   */
  read({ address, values }: OscMessage): Intent {
    if (address.length > limits.oscAddressMax) {
      throw new TenutoError('TENUTO_COMMAND_INVALID', 'the address is too long');
    }
    if (isPattern(address)) return this.readAll(address, values);
    const reader = this.readers.get(address);
    if (reader === undefined) throw new TenutoError('TENUTO_COMMAND_UNKNOWN', this.whyNot(address));
    return reader(values);
  }

  private readAll(pattern: string, values: readonly OscValue[]): Intent {
    const changes: Change[] = [];
    for (const reader of this.match(pattern)) {
      const intent = reader(values);
      if (intent.kind === 'change') changes.push(...intent.changes);
    }
    if (changes.length === 0) {
      const text = `${pattern}: stands for nothing that can be changed`;
      throw new TenutoError('TENUTO_COMMAND_UNKNOWN', text);
    }
    return { kind: 'change', changes };
  }

  private match(pattern: string): readonly Reader[] {
    const known = this.matched.get(pattern);
    if (known !== undefined) return known;
    const test = compilePattern(pattern);
    if (test === null) {
      throw new TenutoError('TENUTO_COMMAND_INVALID', `${pattern}: no pattern of OSC`);
    }
    // Two names of one parameter are one.
    const found = [
      ...new Set([...this.readers].flatMap(([a, reader]) => (test(a) ? [reader] : []))),
    ];
    if (this.matched.size >= patternsKept) {
      for (const oldest of this.matched.keys()) {
        this.matched.delete(oldest);
        break;
      }
    }
    this.matched.set(pattern, found);
    return found;
  }

  private whyNot(address: string): string {
    const known = [...this.readers.keys()].filter((one) => !this.byAlias.has(one));
    const [, room, node] = address.split('/');
    const near = known.filter((one) => one.startsWith(`/${room}/${node}/`));
    const beside = near.length > 0 ? near : known.filter((one) => one.startsWith(`/${room}/`));
    return `${address}: no such address${suggestion(address, 'addresses', beside.length > 0 ? beside : fixedReaders.keys())}`;
  }
}

function setReader(path: string): Reader {
  return (values) => {
    if (values.length === 0) return { kind: 'get', path };
    const [value, rampMs] = values;
    const ramp = rampMs === undefined ? {} : { rampMs: numberOf(rampMs, 'the ramp') };
    return { kind: 'change', changes: [{ do: 'set', path, value: plainValue(value), ...ramp }] };
  };
}

function gateReader(path: string): Reader {
  return (values) => ({
    kind: 'change',
    changes: [{ do: 'gate', path, value: plainValue(values[0] ?? true) }],
  });
}

function triggerReader(path: string): Reader {
  return ([holdMs]) => {
    const hold = typeof holdMs === 'number' ? { holdMs } : {};
    return { kind: 'change', changes: [{ do: 'trigger', path, ...hold }] };
  };
}

function transportReader(act: 'start' | 'stop'): Reader {
  return ([fadeMs]) => {
    const fade = typeof fadeMs === 'number' ? { fadeMs } : {};
    return { kind: 'change', changes: [{ do: act, ...fade }] };
  };
}

/** The same with the path as first value. */
function byPath(of: (path: string) => Reader): Reader {
  return ([path, ...values]) => of(pathOf(path))(values);
}

const fixedReaders: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['/engine/start', transportReader('start')],
  ['/engine/stop', transportReader('stop')],
  ['/engine/status', () => ({ kind: 'status' })],
  ['/set', byPath(setReader)],
  ['/gate', byPath(gateReader)],
  ['/trigger', byPath(triggerReader)],
  ['/get', ([path]) => ({ kind: 'get', path: path === undefined ? undefined : pathOf(path) })],
  [
    '/sync',
    ([token = 0]) => ({ kind: 'sync', token: typeof token === 'string' ? token : Number(token) }),
  ],
  ['/notify', ([isOn = true]) => ({ kind: 'notify', isOn: Boolean(isOn) })],
]);

function pathOf(value: OscValue | undefined): string {
  if (typeof value === 'string') return value;
  throw new TenutoError('TENUTO_COMMAND_INVALID', 'the first value is a path, as filter1.cutoff');
}

function plainValue(value: OscValue | undefined): number | string | boolean {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  throw new TenutoError('TENUTO_COMMAND_INVALID', 'the value is no number');
}

function numberOf(value: OscValue, what: string): number {
  if (typeof value === 'number') return value;
  throw new TenutoError('TENUTO_COMMAND_INVALID', `${what} is no number`);
}
