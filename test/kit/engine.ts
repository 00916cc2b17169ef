import { execFileSync } from 'node:child_process';
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { type RunningEngine, type StartOptions, startEngine } from '../../dist/client/index.js';
import { type CompiledPatch, compilePatch, parsePatch } from '../../dist/dsp/index.js';
import { laneWritten, offerCommands } from '../../dist/memory/commands.js';
import { commandWords, laneCount } from '../../dist/memory/layout.js';
import { openSegment } from '../../dist/memory/segment.js';
import {
  fileBytes,
  identity,
  isAlive,
  listEngineSockets,
  mapShared,
  openSharedMemory,
} from '../../dist/os/index.js';
import { loadSettings, type Settings } from '../../dist/settings/index.js';
import { compareWithOffline } from '../../dist/soak/comparison.js';

/**
 * Whole engines of real processes, as they are built in `dist`: a keeper starts programs that lie
 * beside it. Whatever a test does, nothing of its engines may be left when it is over.
 */

/** Of `testPatch`. */
export const patchText = `
name: Test
tempo: 120
nodes:
  notes: { type: seq, steps: 4, pattern: "x.x.", notes: [A2, E3, C4, G4] }
  envelope: { type: adsr, gate: notes.gate, attack: 5 ms, decay: 0.1, sustain: 0.5, release: 0.2 }
  tone: { type: osc, shape: saw, freq: notes.freq }
  filter: { type: svf, in: tone, cutoff: { from: envelope, amount: 2000, offset: 200 } }
  voice: { type: gain, in: filter, gain: envelope }
  room: { type: reverb, in: voice, size: 0.7, decay: 1.5, mix: 0.3 }
  out: { type: out, in: room }
`;

/** A patch that never repeats itself soon: a lost or doubled quantum cannot go unseen. */
export function testPatch({ engine }: Settings): CompiledPatch {
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(patchText, 'test.yaml'), format);
}

const names: string[] = [];
const folders: string[] = [];
let started = 0;

/** Settings of an engine whose name nobody else has, on no port; `set` as on the command line. */
export function testSettings(set: readonly string[] = []): Settings {
  const name = `t${process.pid}-${started++}`;
  names.push(name);
  const quiet = [
    'control.http=off',
    'control.osc=off',
    'control.stateFile=off',
    'flight.minutes=0',
    // A machine that stands still for a moment, or is busy, is no process that hangs.
    'watchdog.driverQuanta=60',
    'watchdog.replicaMs=600',
  ];
  const flags = { name, device: 'virtual', 'log-level': 'silent', set: [...quiet, ...set] };
  return loadSettings({ flags, env: {}, cwd: tmpdir() });
}

/** Starts an engine with the test patch. */
export function launch(
  options: Partial<StartOptions> & { settings: Settings },
): Promise<RunningEngine> {
  return startEngine({ patch: testPatch(options.settings), ...options });
}

/** A file name in a folder that is gone after the test. */
export async function temporaryFile(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenuto-test-'));
  folders.push(folder);
  return join(folder, name);
}

/** Waits until `condition` gives something; tells `what` was waited for in vain. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 20_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await delay(5);
  }
}

/** Waits until every process of the engine is up. */
export async function whole(engine: RunningEngine): Promise<void> {
  await engine.playing;
  await until('every process is up', () => {
    const isUp = (state: string) => ['running', 'standby', 'ended'].includes(state);
    return engine.status().processes.every(({ state }) => isUp(state));
  });
}

/** The pid that stands in the engine's table for a role, and a slot if it is a replica's. */
export function pidOf(engine: RunningEngine, role: string, slot?: number): number {
  const { processes, generation } = engine.status();
  const found = processes.find(
    (one) =>
      one.role === role &&
      (slot === undefined || one.slot === slot) &&
      (role !== 'driver' || one.generation === generation),
  );
  if (!found || found.pid <= 1) throw new Error(`there is no ${role} ${slot ?? ''}`);
  return found.pid;
}

/** All that lives of an engine, whatever it knows of itself: `pid command`. */
export function processesOf(name: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const who = identity(Number(entry));
      const command = commandLine(entry);
      const ours = command.startsWith(`tenuto ${name} `) || command.includes(` name=${name} `);
      return ours && who && isAlive(who) ? [`${entry} ${command}`] : [];
    });
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Processes, sockets and memory of an engine that are still there. */
export function leftOf(name: string): string[] {
  const sockets = listEngineSockets().filter(({ engine }) => engine === name);
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return [
    ...processesOf(name),
    ...sockets.map(({ purpose }) => `socket ${purpose}`),
    ...maps.filter((line) => new RegExp(`memfd:tenuto:${name}\\b`).test(line)),
  ];
}

/** Sends a command into the engine's memory, past control, as only proofs do. */
export function plant(engine: RunningEngine, command: ArrayLike<number>): void {
  const { keeperPid: pid, name } = engine;
  const fd = readdirSync(`/proc/${pid}/fd`).find((entry) =>
    readlinkSync(`/proc/${pid}/fd/${entry}`).startsWith(`/memfd:tenuto:${name} `),
  );
  const memory = openSharedMemory({ pid, fd: Number(fd), writable: true });
  const mapping = mapShared(memory, fileBytes(memory), { writable: true });
  closeSync(memory);
  const segment = openSegment(mapping.buffer);
  // The last lane: no control process has come so far yet.
  const lane = laneCount - 1;
  expect(command.length).toBe(commandWords);
  expect(offerCommands(segment, lane, laneWritten(segment, lane), command)).toBe(true);
  mapping.unmap();
}

/** Expects that a recording is what offline rendering gives, byte for byte. */
export async function expectOfflineEqual(
  path: string,
  settings: Settings,
  frames: number,
  options: { whole?: boolean } = {},
): Promise<void> {
  const found = await compareWithOffline({
    program: testPatch(settings).program,
    assets: [],
    path,
    frames,
    whole: options.whole ?? true,
    quanta: 0,
  });
  expect(found.firstDifference).toBeNull();
  expect(found.headerEqual).toBe(true);
}

/** The bytes of a recording. */
export function recordedBytes(path: string): Buffer {
  return readFileSync(path);
}

/** Ends what a failed test left, so that it does not disturb the next one. */
function sweep(name: string): void {
  for (const line of processesOf(name)) execFileSync('kill', ['-9', line.split(' ')[0] ?? '']);
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  for (const name of names.splice(0)) {
    try {
      await until(`nothing is left of ${name}`, () => leftOf(name).length === 0, 5000);
    } catch (error) {
      const left = leftOf(name);
      sweep(name);
      throw new Error(`left: ${left.join('; ')}`, { cause: error });
    }
  }
});
