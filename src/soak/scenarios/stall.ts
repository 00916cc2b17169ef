import { durationsOf } from '../report.js';
import {
  checkEqual,
  checkMost,
  KnownPlay,
  openPrivate,
  reportOf,
  type Scenario,
} from '../scenario.js';

const playMs = 1500;
const replacedMs = 250;
const patienceMs = 10_000;

/** The server stops without a word: it takes what it is given and plays nothing. */
export const stall: Scenario = async (options) => {
  const { times, onProgress } = options;
  const replaced: number[] = [];
  const noticed: number[] = [];
  let stalls = 0;
  let counters = {};
  for (let i = 1; i <= times; i++) {
    await using server = await openPrivate();
    const sink = `tenuto-soak-${process.pid}`;
    await server.addSink({ name: sink });
    await using play = await KnownPlay.start(
      options,
      { name: `pipewire:${sink}`, fallbacks: ['virtual'], onLoss: 'hold' },
      { env: server.environment },
    );
    await play.pause(playMs);
    server.hangServer(true);
    const stoppedMs = performance.now();
    const device = () => play.engine.status().device;
    await play.await(() => device().state !== 'playing' || device().name === 'virtual', patienceMs);
    noticed.push(performance.now() - stoppedMs);
    const isReplaced = () => device().state === 'playing' && device().name === 'virtual';
    if (await play.await(isReplaced, patienceMs)) replaced.push(performance.now() - stoppedMs);
    stalls += play.counters.deviceStalls;
    counters = play.counters;
    server.hangServer(false);
    onProgress?.(`${i} of ${times}: replaced after ${replaced.at(-1)?.toFixed(0)} ms`);
  }
  const noticedIn = durationsOf(noticed);
  const replacedIn = durationsOf(replaced);
  return reportOf('stall', options, {
    checks: [
      checkEqual('stalls replaced', times, replaced.length),
      checkEqual('stalls counted', times, stalls),
      checkMost('from the stall to sound elsewhere, median', replacedMs, replacedIn.median, 'ms'),
    ],
    figures: {
      stallMs: options.settings.device.stallMs,
      noticedMedianMs: noticedIn.median,
      replacedMedianMs: replacedIn.median,
      replacedMaxMs: replacedIn.max,
    },
    counters,
  });
};
