import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  positiveNumber,
  readSettings,
} from '../options.js';
import { barText, bytesText, clockText, LiveLine, rateText, say, sayJson } from '../terminal.js';

interface RenderOptions extends CommonOptions {
  seconds: number;
  output: string;
}

/** Quanta between two writes and two looks at the signals: a third of a second at 48 kHz. */
const batchQuanta = 128;

interface Rendered {
  frames: number;
  /** Wall-clock seconds that rendering and writing took. */
  tookSec: number;
}

async function render(
  file: string,
  { seconds, output }: RenderOptions,
  engine: Settings['engine'],
  interrupt: Interrupt,
): Promise<Rendered> {
  const { performAlone, Renderer } = await import('../../dsp/index.js');
  const { OfflineEngine } = await import('../../client/index.js');
  const { WavWriter } = await import('../../media/index.js');
  const { loadPatch } = await import('../patch-file.js');
  const { compiled, assets } = await loadPatch(file, engine);
  const { rateHz, quantumFrames: quantum, channels } = engine;
  const { modules } = compiled;
  const own = modules && (await (await import('../../dsp/own-nodes.js')).runOwnModules(modules));
  const machine = performAlone(new Renderer(compiled.program, { streams: [], assets }, own));
  const offline = new OfflineEngine(machine, { rateHz, quantum, channels });
  const frames = Math.round(seconds * rateHz);
  const batch = new Float32Array(batchQuanta * quantum * channels);
  const line = new LiveLine();
  const startMs = performance.now();
  using writer = WavWriter.create(output, { rate: rateHz, channels });
  while (writer.framesWritten < frames && interrupt.signal === null) {
    let filled = 0;
    while (filled < batchQuanta * quantum && writer.framesWritten + filled < frames) {
      offline.advance();
      batch.set(offline.output, filled * channels);
      filled += quantum;
    }
    writer.append(batch, Math.min(filled, frames - writer.framesWritten));
    const share = writer.framesWritten / frames;
    line.show(`${barText(share, 30)} ${clockText(share * seconds)} of ${clockText(seconds)}`);
    await new Promise(setImmediate);
  }
  line.clear();
  writer.sync();
  return { frames: writer.framesWritten, tookSec: (performance.now() - startMs) / 1000 };
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .argument('<patch>', 'patch file (YAML or JSON)')
        .requiredOption('--seconds <n>', 'how much to render', positiveNumber)
        .requiredOption('-o, --output <file>', 'float32 WAV file to write (RF64 past 4 GiB)'),
    ),
    ['rate', 'quantum', 'channels'],
  ).action(async (file: string, options: RenderOptions) => {
    const { engine } = readSettings(options);
    using interrupt = new Interrupt();
    const { frames, tookSec } = await render(file, options, engine, interrupt);
    const seconds = frames / engine.rateHz;
    const speed = seconds / tookSec;
    if (options.json) {
      const { rateHz: rate, channels } = engine;
      sayJson({ output: options.output, seconds, frames, rate, channels, tookSec, speed });
    } else {
      const size = bytesText(frames * engine.channels * 4);
      say(
        `${options.output}: ${seconds.toFixed(2)} s, ${rateText(engine.rateHz)}, ` +
          `${engine.channels} channels, ${size}, in ${tookSec.toFixed(2)} s ` +
          `(${speed.toFixed(0)} times real time)`,
      );
    }
    process.exitCode = interrupt.exitStatus ?? exitCodes.ok;
  });
}
