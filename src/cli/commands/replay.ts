import type { Command } from 'commander';
import { exitCodes, TenutoError } from '../../errors.js';
import type { ReplayResult } from '../../flight/replay.js';
import type { WavWriter } from '../../media/wav-writer.js';
import { reportFailure } from '../failure.js';
import { Interrupt } from '../interrupt.js';
import { addCommonOptions, type CommonOptions } from '../options.js';
import { bytesText, clockText, countText, LiveLine, rateText, say, sayJson } from '../terminal.js';

interface ReplayOptions extends CommonOptions {
  output?: string;
  runCode?: true;
}

/** Samples that are written at once, and between two looks at the signals. */
const batchSamples = 1 << 16;
const turnMs = 50;

/** Gathers quanta for a file, which begins when the format is known. */
class Output {
  private writer: WavWriter | null = null;
  private readonly batch = new Float32Array(batchSamples);
  private filled = 0;
  private silence = new Float32Array(0);

  begin(writer: WavWriter, quantumSamples: number): void {
    this.writer = writer;
    this.silence = new Float32Array(quantumSamples);
  }

  quantum(samples: Float32Array): void {
    if (this.writer === null) return;
    if (this.filled + samples.length > batchSamples) this.flush();
    this.batch.set(samples, this.filled);
    this.filled += samples.length;
  }

  missing(ticks: number): void {
    for (let i = 0; i < ticks; i++) this.quantum(this.silence);
  }

  close(): number {
    this.flush();
    this.writer?.close();
    return this.writer?.framesWritten ?? 0;
  }

  private flush(): void {
    if (this.filled > 0) this.writer?.append(this.batch.subarray(0, this.filled));
    this.filled = 0;
  }
}

interface Replayed extends ReplayResult {
  tookSec: number;
  /** Frames in the file. */
  frames: number;
}

async function replay(
  path: string,
  { output, runCode }: ReplayOptions,
  interrupt: Interrupt,
): Promise<Replayed> {
  const { replayJournal } = await import('../../flight/replay.js');
  const { loadOwnNodes } = await import('../../dsp/own-nodes.js');
  const { WavWriter } = await import('../../media/wav-writer.js');
  const file = new Output();
  const line = new LiveLine();
  let quanta = 0;
  let format = { quantum: 1, rateHz: 1, channels: 1 };
  const startMs = performance.now();
  const items = replayJournal(
    path,
    {
      quantum(samples) {
        quanta++;
        file.quantum(samples);
      },
      missing: (ticks) => file.missing(ticks),
    },
    {
      head({ geometry }) {
        if (format.quantum !== 1) return;
        format = geometry;
        const { rateHz: rate, channels, quantum } = geometry;
        if (output === undefined) return;
        file.begin(WavWriter.create(output, { rate, channels }), quantum * channels);
      },
    },
    runCode ? async (info) => loadOwnNodes(info) : undefined,
  );
  let turnedMs = startMs;
  for (;;) {
    const next = await items.next();
    if (next.done) {
      line.clear();
      const frames = file.close();
      return { ...next.value, frames, tookSec: (performance.now() - startMs) / 1000 };
    }
    if (performance.now() - turnedMs < turnMs) continue;
    turnedMs = performance.now();
    line.show(`replayed ${clockText((quanta * format.quantum) / format.rateHz)}`);
    await new Promise(setImmediate);
    if (interrupt.signal === null) continue;
    file.close();
    throw new TenutoError('TENUTO_RECORD_FAILED', 'the replay was ended before it was over');
  }
}

/** What is wrong with it, or null: a difference weighs more than what is missing. */
function failureOf({ firstDifference, head, damages }: Replayed, path: string): TenutoError | null {
  if (firstDifference !== null) {
    const told = `from tick ${firstDifference >>> 0} on other samples than were played`;
    const text = `${path}: ${told}; Tenuto ${head?.version ?? '?'} took it down`;
    return new TenutoError('TENUTO_JOURNAL_DIFFERS', text);
  }
  const worst = damages.find(({ isTorn }) => !isTorn);
  if (worst === undefined) return null;
  const { file, offset, why } = worst;
  const where = offset === 0 ? '' : ` after byte ${offset}`;
  return new TenutoError('TENUTO_JOURNAL_DAMAGED', `${file}${where}: ${why}`);
}

function tell(result: Replayed, path: string, bytes: number, { output }: ReplayOptions): void {
  const { head, quanta, tookSec, compared, gaps, missingTicks, damages, hasEnd } = result;
  const { quantum, rateHz, channels } = head!.geometry;
  const seconds = (quanta * quantum) / rateHz;
  const played = new Date(head!.startedMs).toISOString().slice(0, 19).replace('T', ' ');
  say(`${path}: engine ${head!.engine}, ${played} UTC, ${bytesText(bytes)}`);
  say(
    `${output ?? 'replayed'}: ${seconds.toFixed(2)} s, ${rateText(rateHz)}, ` +
      `${countText(channels, 'channel')}, in ${tookSec.toFixed(2)} s ` +
      `(${(seconds / tookSec).toFixed(0)} times real time)`,
  );
  const same = result.firstDifference === null ? 'all as they were played' : 'NOT as played';
  say(`${countText(compared, 'quantum').replace('quantums', 'quanta')} compared: ${same}`);
  if (missingTicks > 0) {
    say(`${countText(missingTicks, 'tick')} missing in ${countText(gaps.length, 'gap')}: silence`);
  }
  if (damages.some(({ isTorn }) => isTorn)) say('it was cut off while it was being written');
  else if (!hasEnd && damages.length === 0) say('the run went on after it');
}

async function sizeOf(path: string): Promise<number> {
  const { journalFiles } = await import('../../flight/journal-file.js');
  const { statSync } = await import('node:fs');
  return journalFiles(path).reduce((sum, file) => sum + statSync(file).size, 0);
}

export function define(command: Command): void {
  addCommonOptions(
    command
      .argument('<journal>', 'file of `run --journal`, or a folder of the flight recorder')
      .option('-o, --output <file>', 'float32 WAV file to write; default: only compare')
      .option('--run-code', 'run the code of own nodes that the journal brings'),
  ).action(async (path: string, options: ReplayOptions) => {
    using interrupt = new Interrupt();
    const bytes = await sizeOf(path);
    const result = await replay(path, options, interrupt);
    if (result.head === null) {
      throw new TenutoError('TENUTO_JOURNAL_DAMAGED', `${path} holds nothing`);
    }
    const failure = failureOf(result, path);
    if (options.json) {
      const { head, quanta, tookSec } = result;
      const seconds = (quanta * head.geometry.quantum) / head.geometry.rateHz;
      const speed = seconds / tookSec;
      const error =
        failure === null ? {} : { error: { code: failure.code, message: failure.message } };
      sayJson({
        journal: path,
        output: options.output,
        bytes,
        seconds,
        speed,
        ...result,
        ...error,
      });
    } else tell(result, path, bytes, options);
    process.exitCode =
      failure === null ? exitCodes.ok : reportFailure(failure, { json: false, verbose: false });
  });
}
