import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { EngineConnection, EngineNote, EngineTap } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import { cpuSeconds } from '../../os/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { Screen } from '../screen.js';
import { say, sayJson } from '../terminal.js';
import { type TopData, type TopMeter, topLines } from '../top-view.js';

interface TopOptions extends CommonOptions {
  once?: true;
}

const frameMs = 250;
/** While a loss of ticks is no harm, the second rendering leaves the machine to others. */
const quantaPerFrame = 400;
const notesKept = 200;
/** How fast a meter falls, for each quantum. */
const fall = 0.98;

/** Processor time by process, as shares of a core since the last look. */
class Loads {
  private readonly before = new Map<number, { sec: number; ms: number }>();

  look(pids: readonly number[]): Map<number, number> {
    const loads = new Map<number, number>();
    for (const pid of pids.filter((one) => one > 1)) {
      const sec = cpuSeconds(pid);
      if (sec === null) continue;
      const last = this.before.get(pid);
      const ms = performance.now();
      if (last !== undefined && ms > last.ms) {
        loads.set(pid, ((sec - last.sec) * 1000) / (ms - last.ms));
      }
      this.before.set(pid, { sec, ms });
    }
    return loads;
  }
}

/** Levels of all that is played, and of each meter of the patch, from a tap. */
class Meters {
  private readonly peaks = new Map<string, number>();

  constructor(private readonly tap: EngineTap) {}

  static async open(engine: EngineConnection): Promise<Meters> {
    using trial = await engine.tap(['master']);
    const { nodes } = trial.patch.names;
    const meters = Object.keys(nodes).filter((name) => nodes[name]?.type === 'meter');
    return new Meters(await engine.tap(['master', ...meters]));
  }

  look(): TopMeter[] {
    for (let i = 0; i < quantaPerFrame && this.tap.next(); i++) this.measure();
    return [...this.peaks].map(([name, peak]) => ({ name, peak }));
  }

  close(): void {
    this.tap.close();
  }

  private measure(): void {
    for (const { address, lanes, samples } of this.tap.points) {
      for (let lane = 0; lane < lanes; lane++) {
        const name = lanes === 1 ? address : `${address} ${lane + 1}`;
        let peak = (this.peaks.get(name) ?? 0) * fall;
        for (let i = lane; i < samples.length; i += lanes) {
          peak = Math.max(peak, Math.abs(samples[i]!));
        }
        this.peaks.set(name, peak);
      }
    }
  }
}

/** A note, and when it came about: it grows older while it is shown. */
interface Kept {
  note: EngineNote;
  atMs: number;
}

async function look(
  engine: EngineConnection,
  { meters, loads, kept }: { meters: Meters; loads: Loads; kept: Kept[] },
): Promise<TopData> {
  const status = await engine.status();
  const nowMs = performance.now();
  for (const note of await engine.events(kept.at(-1)?.note.sequence ?? 0)) {
    kept.push({ note, atMs: nowMs - note.agoSec * 1000 });
  }
  kept.splice(0, Math.max(0, kept.length - notesKept));
  const notes = kept
    .filter(({ note }) => note.level !== 'debug')
    .map(({ note, atMs }) => ({ ...note, agoSec: (nowMs - atMs) / 1000 }));
  const pids = status.processes.map(({ pid }) => pid);
  return { status, meters: meters.look(), notes, loads: loads.look(pids) };
}

async function watch(engine: EngineConnection, options: TopOptions): Promise<void> {
  const held = { meters: await Meters.open(engine), loads: new Loads(), kept: [] };
  const isLive = process.stdout.isTTY === true && !options.once && !options.json;
  try {
    if (!isLive) {
      await look(engine, held);
      await delay(frameMs);
      const data = await look(engine, held);
      if (options.json) sayJson({ ...data, loads: Object.fromEntries(data.loads) });
      else for (const line of topLines(data, sizeOf(), process.stdout)) say(line);
      return;
    }
    using interrupt = new Interrupt();
    let hasQuit = false;
    using screen = new Screen((key) => {
      if (key === 'q' || key === '\u0003') hasQuit = true;
    });
    while (!hasQuit && interrupt.signal === null) {
      screen.draw(topLines(await look(engine, held), screen, process.stdout));
      await Promise.race([delay(frameMs), interrupt.asked]);
    }
  } finally {
    held.meters.close();
  }
}

function sizeOf(): { columns: number; rows: number } {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 60 };
}

async function top(options: TopOptions): Promise<void> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  await using engine = await connectEngine(name);
  try {
    await watch(engine, options);
  } catch (error) {
    const isOver = error instanceof TenutoError && error.code === 'TENUTO_ENGINE_UNREACHABLE';
    if (!isOver) throw error;
    throw new TenutoError('TENUTO_ENGINE_UNREACHABLE', `engine "${name}" ended`, { cause: error });
  }
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(command.option('--once', 'print one frame and end, as without a terminal')),
    ['name'],
  ).action(top);
}
