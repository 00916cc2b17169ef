import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkContent,
  checkEqual,
  KnownPlay,
  openServer,
  reportOf,
  type Scenario,
} from '../scenario.js';
import { makeTemporaryFolder } from '../temporary-folder.js';

const deviceRateHz = 44_100;
const centsMost = 1;
/** A name that no configuration of ALSA has. */
const pcm = 'tenuto_soak_fixed';

/** ALSA's own configuration, and a PCM that refuses every rate but one. */
const alsaSettings = (sink: string) => `</usr/share/alsa/alsa.conf>
pcm.${pcm} { type pipewire playback_node "${sink}" rate ${deviceRateHz} }
`;

/** The device refuses the rate of the content: it is converted, in tune and without an underrun. */
export const forcedFallback: Scenario = async (options) => {
  const { seconds, onProgress } = options;
  using folder = makeTemporaryFolder();
  await using server = await openServer(options.server);
  const sink = `tenuto-soak-${process.pid}`;
  await server.addSink({ name: sink, rate: deviceRateHz });
  const ear = await server.listen(sink);
  const config = join(folder.path, 'alsa.conf');
  writeFileSync(config, alsaSettings(sink));
  await using play = await KnownPlay.start(
    options,
    { name: `alsa:${pcm}`, fallbacks: [] },
    { env: { ...server.environment, ALSA_CONFIG_PATH: config } },
  );
  await play.pause(seconds * 1000);
  onProgress?.('looking for every frame in what was heard');
  const { counters } = play;
  const { device, timers } = play.engine.status();
  await ear.stop();
  const heard = await play.judge([ear]);
  const longest = (heard.passages[0] ?? []).reduce(
    (best, one) =>
      one.heardTo - one.heardFrom > best.frames
        ? {
            frames: one.heardTo - one.heardFrom,
            content: one.contentTo - one.contentFrom,
          }
        : best,
    { frames: 0, content: 0 },
  );
  const cents = 1200 * Math.log2(longest.content / longest.frames);
  return reportOf('force-fallback', options, {
    checks: [
      checkEqual('rate of the device in Hz', deviceRateHz, device.rateHz),
      {
        what: 'quanta converted',
        expected: '> 0',
        found: String(timers.callbackResample.count),
        ok: timers.callbackResample.count > 0,
      },
      {
        what: 'pitch, off by',
        expected: `<= ${centsMost} cent`,
        found: `${cents.toFixed(3)} cents`,
        ok: Math.abs(cents) <= centsMost,
      },
      ...checkContent(heard),
      checkEqual('underruns', 0, counters.underruns),
      checkEqual('times the device ran dry', 0, counters.xruns),
    ],
    figures: {
      heardFrames: heard.account.frames,
      unheardFrames: heard.account.unheardFrames,
      cents,
      resampleAverageMs: timers.callbackResample.averageMs,
    },
    counters,
  });
};
