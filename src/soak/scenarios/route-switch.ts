import type { Ear } from '../ear.js';
import type { Passage } from '../heard-content.js';
import { durationsOf } from '../report.js';
import {
  checkContent,
  checkEqual,
  checkMost,
  KnownPlay,
  openServer,
  reportOf,
  type Scenario,
} from '../scenario.js';

const settleMs = 500;

/** Milliseconds without the signal at each change from one ear to the other; below 0: overlap. */
function silencesMs(ears: readonly Ear[], passages: readonly (readonly Passage[])[]): number[] {
  const all = passages
    .flatMap((some, i) => some.map((passage) => ({ ...passage, ear: ears[i]! })))
    .sort((a, b) => a.contentFrom - b.contentFrom);
  return all.slice(1).flatMap((next, i) => {
    const last = all[i]!;
    if (last.ear === next.ear) return [];
    return [next.ear.msOf(next.heardFrom) - last.ear.msOf(last.heardTo)];
  });
}

/** The default changes again and again between two sinks of different rates. */
export const routeSwitch: Scenario = async (options) => {
  const { times, onProgress, settings } = options;
  await using server = await openServer(options.server);
  const names = ['a', 'b'].map((name) => `tenuto-soak-${process.pid}-${name}`) as [string, string];
  await server.addSink({ name: names[0], rate: 48_000 });
  await server.addSink({ name: names[1], rate: 44_100 });
  await server.setDefaultSink(names[0]);
  const ears = [await server.listen(names[0]), await server.listen(names[1])];
  await using play = await KnownPlay.start(
    options,
    { name: 'default', fallbacks: [] },
    { env: server.environment },
  );
  await play.pause(settleMs);
  let followed = 0;
  const followMs: number[] = [];
  for (let i = 1; i <= times; i++) {
    const name = names[i % 2]!;
    const askedMs = performance.now();
    await server.setDefaultSink(name);
    const plays = () => play.engine.status().device.name === `pipewire:${name}`;
    if (await play.await(plays, 5000)) followed++;
    followMs.push(performance.now() - askedMs);
    onProgress?.(`${i} of ${times} switches, ${play.counters.recreations} recreations`);
    await play.pause(settleMs);
  }
  const rateB = await server.sinkRate(names[1]);
  const { counters } = play;
  await Promise.all(ears.map((ear) => ear.stop()));
  onProgress?.('looking for every frame in what was heard');
  const heard = await play.judge(ears);
  const { account, passages } = heard;
  const silence = durationsOf(silencesMs(ears, passages));
  const follow = durationsOf(followMs);
  return reportOf('route-switch', options, {
    checks: [
      checkEqual('switches followed', times, followed),
      ...checkContent(heard),
      checkEqual('ears that heard it', 2, passages.filter(({ length }) => length > 0).length),
      checkMost('silence at a switch, median', 20, silence.median, 'ms'),
      checkMost('recreations', times, counters.recreations),
      checkEqual('underruns', 0, counters.underruns),
    ],
    figures: {
      heardFrames: account.frames,
      unheardFrames: account.unheardFrames,
      silenceMedianMs: silence.median,
      silenceMaxMs: silence.max,
      // With the debounce, which waits whether the default stays.
      followMedianMs: follow.median,
      followMaxMs: follow.max,
      debounceMs: settings.device.debounceMs,
      secondRateHz: rateB,
    },
    counters,
  });
};
