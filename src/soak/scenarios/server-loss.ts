import { join } from 'node:path';
import { compareWithOffline } from '../comparison.js';
import type { Ear } from '../ear.js';
import { knownSignal } from '../known-signal.js';
import type { PrivateServer } from '../private-server.js';
import { durationsOf } from '../report.js';
import {
  type Check,
  checkContent,
  checkEqual,
  checkMost,
  type Heard,
  KnownPlay,
  openPrivate,
  reportOf,
  type Scenario,
  type ScenarioOptions,
} from '../scenario.js';
import { makeTemporaryFolder } from '../temporary-folder.js';

const playMs = 1500;
const absentMs = 3000;
const backMs = 10_000;
const soundBackMs = 500;

/** What became of the sound over all kills. */
interface Survival {
  heard: Heard;
  resumed: number;
  /** From the server accepting clients to the sound. */
  backMs: number[];
  counters: KnownPlay['counters'];
  /** Of content, until the end was asked for. */
  playedSec: number;
}

async function survive(
  options: ScenarioOptions,
  server: PrivateServer,
  onLoss: 'hold' | 'continue',
  recordPath?: string,
): Promise<Survival> {
  const { times, onProgress } = options;
  const sink = `tenuto-soak-${process.pid}`;
  if (!(await server.hasSink(sink))) await server.addSink({ name: sink });
  const ears: Ear[] = [await server.listen(sink, { stays: false })];
  await using play = await KnownPlay.start(
    options,
    { name: `pipewire:${sink}`, fallbacks: [], onLoss },
    { env: server.environment, ...(recordPath === undefined ? {} : { recordPath }) },
  );
  const acceptedMs: number[] = [];
  let resumed = 0;
  for (let i = 1; i <= times; i++) {
    await play.pause(playMs);
    await server.killServer();
    await ears.at(-1)!.stop();
    onProgress?.(`${onLoss}: ${i} of ${times} kills`);
    await play.pause(absentMs);
    await server.startServer(() => ears.push(server.startEar(sink)));
    acceptedMs.push(server.acceptedMs);
    const plays = () => play.engine.status().device.state === 'playing';
    if (await play.await(plays, backMs)) resumed++;
  }
  await play.pause(playMs);
  const { counters, playedSec } = play;
  // First, so that nobody hears the end fade out.
  await Promise.all(ears.map((ear) => ear.stop()));
  await play.engine.stop();
  onProgress?.('looking for every frame in what was heard');
  const heard = await play.judge(ears);
  const firsts = heard.passages.slice(1).map((some, i) => {
    const first = some[0];
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return ears[i + 1]!.msOf(first.heardFrom) - acceptedMs[i]!;
  });
  return { heard, resumed, backMs: firsts, counters, playedSec };
}

/** The recording has every frame until the end was asked for, whatever was heard of it. */
async function checkRecording(
  { settings }: ScenarioOptions,
  path: string,
  seconds: number,
): Promise<Check> {
  const { program } = knownSignal(settings);
  const frames = Math.floor(seconds * settings.engine.rateHz);
  const order = { program, assets: [], path, frames, whole: false, quanta: 0 };
  const { firstDifference } = await compareWithOffline(order);
  return {
    what: 'continue: gaps in the recording',
    expected: 'none',
    found: firstDifference === null ? 'none' : `from frame ${firstDifference}`,
    ok: firstDifference === null,
  };
}

/** The sound server is killed and started again: once the content waits for it, once it goes on. */
export const serverLoss: Scenario = async (options) => {
  const { times } = options;
  using folder = makeTemporaryFolder();
  const recordPath = join(folder.path, 'continue.wav');
  await using server = await openPrivate();
  const hold = await survive(options, server, 'hold');
  const goOn = await survive(options, server, 'continue', recordPath);
  const back = durationsOf([...hold.backMs, ...goOn.backMs]);
  return reportOf('server-loss', options, {
    checks: [
      checkEqual('hold: times the sound came back', times, hold.resumed),
      ...checkContent(hold.heard).map((check) => ({ ...check, what: `hold: ${check.what}` })),
      checkEqual('continue: times the sound came back', times, goOn.resumed),
      await checkRecording(options, recordPath, goOn.playedSec),
      checkMost('sound after the server accepts clients, max', soundBackMs, back.max, 'ms'),
      checkMost('recreations', 2 * times, hold.counters.recreations + goOn.counters.recreations),
    ],
    figures: {
      backMedianMs: back.median,
      backMaxMs: back.max,
      holdHeardFrames: hold.heard.account.frames,
      holdLostFrames: hold.heard.account.lostFrames,
      holdRepeatedFrames: hold.heard.account.repeatedFrames,
      unheardFrames: hold.heard.account.unheardFrames,
    },
    counters: hold.counters,
  });
};
