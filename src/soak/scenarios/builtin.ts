import {
  checkContent,
  checkEqual,
  KnownPlay,
  openServer,
  reportOf,
  type Scenario,
} from '../scenario.js';

/** Ears need so long to be sure of what they hear. */
const tailMs = 300;

/** Plays the known signal for a while: no underrun, the right speed, every frame once. */
export const builtin: Scenario = async (options) => {
  const { seconds, onProgress } = options;
  await using server =
    options.server === 'none' ? null : await openServer(options.server, options.quantum);
  const sink = `tenuto-soak-${process.pid}`;
  await server?.addSink({ name: sink });
  const ear = await server?.listen(sink);
  const device = server ? `pipewire:${sink}` : 'virtual';
  await using play = await KnownPlay.start(
    options,
    { name: device, fallbacks: [] },
    server ? { env: server.environment } : {},
  );
  const before = { ms: performance.now(), sec: play.playedSec };
  while (play.playedSec - before.sec < seconds) {
    onProgress?.(`${play.playedSec.toFixed(0)} s played, ${play.counters.underruns} underruns`);
    await play.pause(250);
  }
  const after = { ms: performance.now(), sec: play.playedSec };
  const { counters } = play;
  const speed = (1000 * (after.sec - before.sec)) / (after.ms - before.ms);
  const latency = play.engine.status().device.latencyFrames;
  await play.pause(tailMs);
  await ear?.stop();
  const heard = ear && (await play.judge([ear]));
  const checks = [
    checkEqual('underruns', 0, counters.underruns),
    checkEqual('times the device ran dry', 0, counters.xruns),
    {
      what: 'speed against the monotonic clock',
      expected: '1 +- 0.005',
      found: speed.toFixed(4),
      ok: Math.abs(speed - 1) < 0.005,
    },
  ];
  if (heard) checks.push(...checkContent(heard));
  return reportOf('builtin', options, {
    checks,
    figures: {
      playedSec: after.sec,
      speed,
      heardFrames: heard?.account.frames ?? null,
      unheardFrames: heard?.account.unheardFrames ?? null,
      latencyMs: (latency * 1000) / play.settings.engine.rateHz,
    },
    counters,
  });
};
