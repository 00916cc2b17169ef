import {
  checkContent,
  checkEqual,
  KnownPlay,
  openServer,
  reportOf,
  type Scenario,
} from '../scenario.js';

const playMs = 1500;
const absentMs = 5000;
/** For the content to go on, once the sink is back. */
const backMs = 5000;

/** The sink that plays is removed and comes back: nothing is opened meanwhile, nothing is lost. */
export const sinkLoss: Scenario = async (options) => {
  const { times, onProgress } = options;
  await using server = await openServer(options.server);
  const sink = `tenuto-soak-${process.pid}`;
  await server.addSink({ name: sink });
  const ear = await server.listen(sink, { stays: false });
  await using play = await KnownPlay.start(
    options,
    { name: `pipewire:${sink}`, fallbacks: [], onLoss: 'hold' },
    { env: server.environment },
  );
  let opensMeanwhile = 0;
  let resumed = 0;
  const backAtMs: number[] = [];
  for (let i = 1; i <= times; i++) {
    await play.pause(playMs);
    await server.removeSink(sink);
    onProgress?.(`${i} of ${times}: the sink is away`);
    await play.await(() => play.engine.status().device.state === 'held', 2000);
    const before = play.counters.deviceOpens;
    const heldSec = play.playedSec;
    await play.pause(absentMs);
    opensMeanwhile += play.counters.deviceOpens - before;
    const addedMs = performance.now();
    await server.addSink({ name: sink });
    if (await play.await(() => play.playedSec > heldSec, backMs)) resumed++;
    backAtMs.push(performance.now() - addedMs);
  }
  await play.pause(playMs);
  const { counters } = play;
  await ear.stop();
  onProgress?.('looking for every frame in what was heard');
  const heard = await play.judge([ear]);
  return reportOf('sink-loss', options, {
    checks: [
      checkEqual('times the content went on', times, resumed),
      checkEqual('openings while there was no device', 0, opensMeanwhile),
      checkEqual('recreations', times, counters.recreations),
      ...checkContent(heard),
      checkEqual('underruns', 0, counters.underruns),
    ],
    figures: {
      absentMs,
      heardFrames: heard.account.frames,
      unheardFrames: heard.account.unheardFrames,
      // With making the sink, which takes the server some of it.
      backMaxMs: Math.max(...backAtMs),
    },
    counters,
  });
};
