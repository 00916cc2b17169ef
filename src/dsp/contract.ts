import { assert } from '../errors.js';
import { commandOps } from './command.js';
import { type CompiledPatch, compilePatch, type PatchNames } from './compiler.js';
import type { NodeDefinition, PortDefinition, Sources, Width } from './node.js';
import { type NodeLibrary, noNodes } from './nodes/index.js';
import { parsePatch } from './patch.js';
import { Renderer } from './renderer.js';

/**
 * What every node promises, as checks that throw. A node is put on a rig: one probe before each of
 * its ports, which plays a stimulus instead of its own sound, lane by lane, chosen by the tick in
 * the arena alone, so that the rig continues after a snapshot as the node must.
 */
export interface RigOptions {
  readonly width: Width;
  /** Options of the node as a patch writes them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Ports stay numbers instead of cables, so that commands can change them. */
  readonly isPlain?: boolean;
  /** Only the first port has a probe; the others are numbers. */
  readonly isSingle?: boolean;
  readonly stimulus: Stimulus;
}

/** The number on lane `lane` of a port's probe at frame `frame` since the start. */
export type Stimulus = (port: PortDefinition, frame: number, lane: number) => number;

const RATE = 48_000;
const QUANTUM = 64;
const VOICES = 6;
const PROBES: Readonly<Record<Width, object>> = {
  mono: { type: 'gain' },
  stereo: { type: 'pan' },
  voices: { type: 'lfo', voices: VOICES },
};

/** A node between probes, in a renderer of its own. */
export class Rig {
  readonly renderer: Renderer;
  readonly names: PatchNames;
  readonly index: number;

  constructor(
    readonly definition: NodeDefinition,
    options: RigOptions,
  ) {
    const { names, program } = compileRig(definition, options);
    this.names = names;
    this.index = names.nodes.subject!.node;
    this.renderer = new Renderer(program, rigSources(), libraryOf(definition));
    definition.ports.forEach((port, p) => {
      const probe = names.nodes[`probe${p}`]?.node;
      if (probe !== undefined) this.playOn(probe, port, options.stimulus);
    });
  }

  /** Puts the stimulus in the place of the probe's kernel. */
  private playOn(probe: number, port: PortDefinition, stimulus: Stimulus): void {
    const { ctx, output } = this.renderer.layout.nodes[probe]!;
    const f32 = new Float32Array(this.renderer.memory);
    this.renderer.substitute(probe, () => {
      const start = this.renderer.tick * QUANTUM;
      const wordOf = (lane: number) => output / 4 + (lane >> 2) * QUANTUM * 4 + (lane & 3);
      for (let lane = 0; lane < ctx.banks * 4; lane++) {
        // Lanes beyond the width repeat the others, as those of real nodes do.
        const back = wordOf(lane) - wordOf(lane % ctx.lanes);
        const end = wordOf(lane) + QUANTUM * 4;
        for (let at = wordOf(lane), frame = start; at < end; at += 4, frame++) {
          f32[at] = back > 0 ? f32[at - back]! : stimulus(port, frame, lane);
        }
      }
    });
  }

  /** Renders a quantum and returns a copy of what the node put out: all lanes of all outputs. */
  render(): Float32Array {
    this.renderer.render();
    const { failure } = this.renderer;
    if (failure !== null) throw new Error(`${this.definition.type} threw: ${failure}`);
    const { ctx, output } = this.renderer.layout.nodes[this.index]!;
    if (this.definition.lanes === 'sink') return this.renderer.output.slice();
    const words = (this.definition.outputs?.length ?? 1) * ctx.banks * QUANTUM * 4;
    return new Float32Array(this.renderer.memory, output, words).slice();
  }

  /** Sends one command to a port of the node, if commands can change it. */
  send(port: string, op: number, value: number, frame = 0, frames = 0): void {
    const place = this.names.nodes.subject!.ports[port];
    if (!place) return;
    const bits = new Int32Array(Float32Array.of(value).buffer)[0]!;
    const words = Int32Array.of(op | (frame << 16), place.node, place.port, bits, frames, 0, 0, 0);
    this.renderer.apply(words, 0);
  }

  /** The bytes of the node's state, as words. */
  state(): Int32Array {
    const { state, stateBytes } = this.renderer.layout.nodes[this.index]!;
    return new Int32Array(this.renderer.memory, state, stateBytes >> 2);
  }
}

function compileRig(definition: NodeDefinition, options: RigOptions): CompiledPatch {
  const nodes: Record<string, object> = {};
  const plugs: Record<string, string> = {};
  definition.ports.forEach((port, p) => {
    if (options.isPlain || (options.isSingle && p > 0)) return;
    nodes[`probe${p}`] = PROBES[options.width];
    plugs[port.name] = `probe${p}`;
  });
  nodes.subject = { type: definition.type, ...plugs, ...options.options };
  const text = JSON.stringify({ assets: { tone: 'tone.wav' }, nodes });
  const key = `${definition.code ?? ''} ${text}`;
  const known = compiled.get(key);
  if (known) return known;
  const assets = [{ name: 'tone', channels: 2 }];
  const format = { rate: RATE, quantum: QUANTUM, channels: 2, assets };
  const patch = compilePatch(parsePatch(text, 'rig', libraryOf(definition)), format);
  compiled.set(key, patch);
  return patch;
}

/** The node under test, where it is one of the user's. */
function libraryOf(definition: NodeDefinition): NodeLibrary {
  return definition.code === undefined ? noNodes : new Map([[definition.type, definition]]);
}

/** By the text of the patch, for the suite builds the same rigs many times. */
const compiled = new Map<string, CompiledPatch>();

/** A second of a stereo tone, as an asset and as a stream. */
function rigSources(): Sources {
  const frames = 1 << 15;
  const samples = Float32Array.from(
    { length: frames * 2 },
    (_, i) => Math.sin((i >> 1) / 50) * 0.5,
  );
  const view = { samples, channels: 2, frames };
  return { streams: [view], assets: [{ ...view, rate: 44_100 }] };
}

/** Sound at signal ports, pulses at gates, and parameters that wander about their defaults. */
export const music: Stimulus = (port, frame, lane) => {
  if (isGate(port)) return (frame + lane * 700) % 6000 < 3000 ? 1 : 0;
  if (isSignal(port)) {
    const noise = Math.imul(frame * 8 + lane + 1, 0x9e3779b1) / 2 ** 31;
    return 0.4 * Math.sin((frame + lane * 31) / 40) + 0.2 * noise;
  }
  return between(port, 0.5 + 0.5 * Math.sin(frame / 900 + lane));
};

/** Silence where sound runs in; parameters at rest. */
export const silence: Stimulus = (port) => (isSignal(port) || isGate(port) ? 0 : port.default);

const worst = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  3.4e38,
  -3.4e38,
  1e-40,
  -1e-45,
  -0,
  1e9,
  -1e9,
  1,
  -1,
];

/** What no kernel should ever be given, in runs long enough to settle in. */
export const hostile: Stimulus = (port, frame, lane) => {
  const pick = Math.imul((frame >> 3) + port.name.length * 977 + lane * 131, 0x9e3779b1) >>> 8;
  if (pick % 5 === 0) return port.max;
  if (pick % 7 === 0) return port.min;
  return worst[pick % worst.length]!;
};

function isSignal(port: PortDefinition): boolean {
  return port.unit === 'gain' && port.max >= 1e5;
}

function isGate(port: PortDefinition): boolean {
  return port.unit === 'none' && port.smoothingMs === 0 && port.min === 0 && port.max === 1;
}

/** A number near the default that the port can hold: `part` from 0 to 1. */
function between(port: PortDefinition, part: number): number {
  const reach = port.default === 0 ? 0.5 : Math.abs(port.default) * 0.5;
  return Math.min(port.max, Math.max(port.min, port.default - reach + 2 * reach * part));
}

/** Throws unless both hold the same bits. */
export function assertSameBits(a: ArrayBufferView, b: ArrayBufferView, what: string): void {
  const left = Buffer.from(a.buffer, a.byteOffset, a.byteLength);
  const right = Buffer.from(b.buffer, b.byteOffset, b.byteLength);
  assert(left.equals(right), `${what} differ`);
}

/**
 * Runs two rigs side by side, takes a snapshot of one at `ticks`, continues it in a third whose
 * transient memory is full of NaN, and demands equal bits from all, sound and arena.
 */
export function checkSnapshot(
  definition: NodeDefinition,
  options: RigOptions,
  plan: { ticks: number; after: number; seed: number },
): void {
  const first = new Rig(definition, options);
  const second = new Rig(definition, options);
  const drive = (rig: Rig, tick: number) => {
    rig.renderer.setStreamEnd(0, tick * 50);
    command(rig, plan.seed + tick);
    return rig.render();
  };
  for (let tick = 0; tick < plan.ticks; tick++) {
    assertSameBits(drive(first, tick), drive(second, tick), `${definition.type}: two renderers`);
  }
  const third = new Rig(definition, options);
  const { persistentEnd, end } = third.renderer.layout;
  new Float32Array(third.renderer.memory, persistentEnd, (end - persistentEnd) >> 2).fill(
    Number.NaN,
  );
  third.renderer.arena.set(first.renderer.arena);
  for (let tick = plan.ticks; tick < plan.ticks + plan.after; tick++) {
    const what = `${definition.type}: tick ${tick} after a snapshot at ${plan.ticks}`;
    assertSameBits(drive(second, tick), drive(third, tick), `${what}: the sound`);
  }
  assertSameBits(second.renderer.arena, third.renderer.arena, `${definition.type}: the arenas`);
}

/** Sometimes a command to some port, by `seed` alone. */
function command(rig: Rig, seed: number): void {
  const draw = Math.imul(seed + 1, 0x85ebca6b) >>> 3;
  const port = rig.definition.ports[draw % Math.max(1, rig.definition.ports.length)];
  if (!port || draw % 3 !== 0) return;
  const ops = [commandOps.set, commandOps.gate, commandOps.trigger];
  const op = isGate(port) ? ops[1 + (draw % 2)]! : ops[0]!;
  rig.send(port.name, op, between(port, (draw % 101) / 100), draw % QUANTUM, draw % 300);
}

/** Demands finite numbers whatever enters, and still when the storm is over. */
export function checkFinite(definition: NodeDefinition, options: RigOptions): void {
  const stimulus: Stimulus = (port, frame, lane) =>
    (frame < 60 * QUANTUM ? hostile : music)(port, frame, lane);
  const rig = new Rig(definition, { ...options, stimulus });
  for (let tick = 0; tick < 100; tick++) {
    const output = rig.render();
    const at = output.findIndex((sample) => !Number.isFinite(sample));
    assert(at < 0, `${definition.type} put out ${output[at]} at tick ${tick}, word ${at}`);
  }
}

/**
 * After sound, silence: demands that nothing lingers as a denormal number, which costs a processor
 * a hundred times as much as any other. The sound is so faint (-740 dB) that what decays from it
 * would be denormal soon. Of the state, only that of nodes that hold no phases.
 */
export function checkQuiet(definition: NodeDefinition, options: RigOptions, ticks: number): void {
  const stimulus: Stimulus = (port, frame, lane) => {
    if (frame >= 50 * QUANTUM) return silence(port, frame, lane);
    return music(port, frame, lane) * (isSignal(port) ? 1e-37 : 1);
  };
  const rig = new Rig(definition, { ...options, stimulus });
  for (let tick = 0; tick < ticks; tick++) {
    const bits = new Int32Array(rig.render().buffer);
    const at = bits.findIndex((word) => isDenormal(word, 1));
    assert(at < 0, `${definition.type} put out a denormal number at tick ${tick}`);
    if (definition.voices || tick % 100 < 99) continue;
    // Counters are small integers, which look like the smallest denormals: leave those out.
    const word = rig.state().findIndex((each) => isDenormal(each, 1 << 21));
    assert(word < 0, `${definition.type} keeps a denormal number in word ${word} of its state`);
  }
}

function isDenormal(bits: number, least: number): boolean {
  const magnitude = bits & 0x7fffffff;
  return magnitude >= least && magnitude < 0x00800000;
}

/**
 * Changes one parameter by command while a slow sine runs through, and demands that no step between
 * neighbouring samples stands out from those before and after the change.
 */
export function checkSmooth(
  definition: NodeDefinition,
  options: RigOptions,
  port: PortDefinition,
): void {
  const sine: Stimulus = (_, frame) => 0.4 + 0.1 * Math.sin((2 * Math.PI * 60 * frame) / RATE);
  const rig = new Rig(definition, { ...options, isSingle: true, stimulus: sine });
  // At 220 Hz what makes its own sound moves slowly too.
  if (definition.ports.some(({ name }) => name === 'freq')) rig.send('freq', commandOps.set, 220);
  let last = new Float32Array(8);
  let largest = 0;
  const run = (ticks: number) => {
    largest = 0;
    for (let tick = 0; tick < ticks; tick++) {
      rig.renderer.setStreamEnd(0, rig.renderer.tick * QUANTUM + QUANTUM);
      const output = rig.render();
      const lanes = definition.lanes === 'sink' ? 2 : 4;
      for (let at = 0; at < QUANTUM * lanes; at++) {
        const before = at < lanes ? last[at]! : output[at - lanes]!;
        largest = Math.max(largest, Math.abs(output[at]! - before));
      }
      last = output.slice((QUANTUM - 1) * lanes, QUANTUM * lanes);
    }
    return largest;
  };
  // Longer than the delay takes to be filled.
  run(250);
  const before = run(60);
  rig.send(port.name, commandOps.set, between(port, 0.9));
  const during = run(60);
  run(60);
  const after = run(60);
  const bound = 1.5 * Math.max(before, after) + 0.01;
  const text = `steps of ${during}, but ${before} before and ${after} after`;
  assert(during <= bound, `${definition.type}.${port.name} clicks: ${text}`);
}

/** Every way in which the suite puts a node on the rig: widths, and choices one at a time. */
export function rigVariants(
  definition: NodeDefinition,
): { name: string; width: Width; options: Record<string, unknown> }[] {
  const widths: Width[] =
    definition.lanes === 'widest' || definition.lanes === 'sum'
      ? ['mono', 'stereo', 'voices']
      : definition.lanes === 'stereo' || definition.lanes === 'sink'
        ? ['mono', 'stereo']
        : ['mono'];
  const choices: Record<string, unknown>[] = [{}];
  const required: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(definition.options ?? {})) {
    if (option.kind === 'asset') required[name] = 'tone';
    if (option.kind === 'flag') choices.push({ [name]: !option.default });
    if (option.kind !== 'choice') continue;
    for (const choice of option.choices) {
      if (choice !== option.default) choices.push({ [name]: choice });
    }
  }
  return widths.flatMap((width) =>
    choices.map((choice) => ({
      name: `${width} ${JSON.stringify(choice)}`,
      width,
      options: { ...required, ...choice },
    })),
  );
}
