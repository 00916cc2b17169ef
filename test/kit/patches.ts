import { type CompiledPatch, compilePatch, parsePatch } from '../../src/dsp/compiler.js';
import type { Sources } from '../../src/dsp/node.js';
import { Renderer } from '../../src/dsp/renderer.js';

/** The format of most tests: 48 kHz, quanta of 128 frames, stereo. */
export const format = { rate: 48_000, quantum: 128, channels: 2 } as const;

export const noSources: Sources = { streams: [], assets: [] };

/** Compiles a patch from its text; the file is called `test.yaml`. */
export function compileText(text: string, options: Partial<typeof format> = {}): CompiledPatch {
  return compilePatch(parsePatch(text, 'test.yaml'), { ...format, ...options });
}

/** A renderer with the names of its patch, for tests that send commands by name. */
export class Player {
  readonly compiled: CompiledPatch;
  readonly renderer: Renderer;

  constructor(text: string, sources: Sources = noSources) {
    this.compiled = compileText(text);
    this.renderer = new Renderer(this.compiled.program, sources);
  }

  /** Sends a command to `node.port`. */
  send(address: string, op: number, value: number, at: { frame?: number; frames?: number } = {}) {
    const [node = '', port = ''] = address.split('.');
    const place = this.compiled.names.nodes[node]?.ports[port];
    if (!place) throw new Error(`${address} cannot be commanded`);
    const bits = new Int32Array(Float32Array.of(value).buffer)[0]!;
    const first = op | ((at.frame ?? 0) << 16);
    const words = Int32Array.of(first, place.node, place.port, bits, at.frames ?? 0, 0, 0, 0);
    this.renderer.apply(words, 0);
  }

  /** Renders whole quanta and returns one channel of them. */
  play(quanta: number, channel = 0): Float32Array {
    const { renderer } = this;
    const sound = new Float32Array(quanta * renderer.quantum);
    for (let tick = 0; tick < quanta; tick++) {
      renderer.render();
      for (let i = 0; i < renderer.quantum; i++) {
        sound[tick * renderer.quantum + i] = renderer.output[i * renderer.channels + channel]!;
      }
    }
    return sound;
  }
}
