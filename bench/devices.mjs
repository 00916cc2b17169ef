/** The scenarios of `tenuto soak --scenario`, on a private sound server. */
import { canRunPrivateServer, scenarios } from '../dist/soak/index.js';
import { benchSettings, probeRealtime, underLoad } from './engines.mjs';
import { ms } from './figures.mjs';

/** Times and seconds of each, short and as the promise says. */
const amounts = {
  'route-switch': { short: { times: 5 }, full: { times: 10 } },
  'sink-loss': { short: { times: 1 }, full: { times: 5 } },
  'server-loss': { short: { times: 2 }, full: { times: 10 } },
  stall: { short: { times: 3 }, full: { times: 10 } },
  'force-fallback': { short: { seconds: 5 }, full: { seconds: 60 } },
};

/** Of the long run: 21 ms. */
const leadQuanta = 8;

async function play(name, { full, server = 'private', set = [], ...more }) {
  const { load, seconds, times } = scenarios[name];
  const amount = amounts[name]?.[full ? 'full' : 'short'] ?? {};
  const scenario = await load();
  return scenario({
    settings: benchSettings(set),
    server,
    seed: 1,
    seconds,
    times,
    ...amount,
    ...more,
  });
}

/** What failed, or that nothing did. */
function verdictOf({ checks }) {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return `all of ${checks.length} checks hold`;
  return failed.map(({ what, found }) => `${what}: ${found}`).join('; ');
}

const contentOf = ({ figures }) =>
  `${figures.heardFrames ?? figures.holdHeardFrames} frames heard, ${figures.unheardFrames} missed by the ear`;

async function* onServer(options) {
  const route = await play('route-switch', options);
  yield {
    what: 'switches of the default, 48 to 44.1 kHz and back',
    target: 'every frame once, <= 20 ms',
    measured: verdictOf(route),
    beside: `silence ${ms(route.figures.silenceMedianMs)} median, ${ms(route.figures.silenceMaxMs)} max; ${contentOf(route)}`,
    met: route.ok,
  };
  const sink = await play('sink-loss', options);
  yield {
    what: 'the sink removed and back after 5 s',
    target: '0 lost, 0 opened meanwhile',
    measured: verdictOf(sink),
    beside: contentOf(sink),
    met: sink.ok,
  };
  const server = await play('server-loss', options);
  yield {
    what: 'the sound server killed, and back after 3 s',
    target: '0 lost, no gap, <= 500 ms',
    measured: verdictOf(server),
    beside: `sound after ${ms(server.figures.backMedianMs)} median, ${ms(server.figures.backMaxMs)} max; ${contentOf(server)}`,
    met: server.ok,
  };
  const stall = await play('stall', options);
  yield {
    what: 'the sound server stands still',
    target: 'replaced within 250 ms',
    measured: verdictOf(stall),
    beside: `${ms(stall.figures.replacedMedianMs)} median, ${ms(stall.figures.replacedMaxMs)} max`,
    met: stall.ok,
  };
  const fallback = await play('force-fallback', options);
  yield {
    what: 'the device refuses the rate of the content',
    target: 'converted, within 1 cent',
    measured: verdictOf(fallback),
    beside: `${fallback.figures.cents} cents; ${ms(fallback.figures.resampleAverageMs)} a quantum`,
    met: fallback.ok,
  };
}

export async function* run(options) {
  if (!canRunPrivateServer()) {
    yield { what: 'devices', measured: 'not measured: PipeWire is not installed' };
    return;
  }
  yield* onServer(options);
  const seconds = options.full ? 600 : 20;
  // The server plays as little at a time as the engine does; one of two cores is busy. Many quanta
  // are rendered ahead: a machine that is a guest itself may stand still for several of them.
  const set = [`engine.leadQuanta=${leadQuanta}`];
  const scenario = () => play('builtin', { ...options, seconds, quantum: 128, set });
  const [long, bare] = await underLoad(1, () => Promise.all([scenario(), probeRealtime(seconds)]));
  const { underruns, xruns } = long.counters;
  const { rateHz, quantumFrames } = benchSettings().engine;
  const leadMs = (leadQuanta * quantumFrames * 1000) / rateHz;
  yield {
    what: `${seconds} s on PipeWire at 128 frames, cores half loaded`,
    target: '0 underruns',
    measured: `${underruns} underruns, ${xruns} times run dry`,
    beside:
      `${ms(leadMs)} ahead and ${ms(long.figures.latencyMs)} in the device; a bare ` +
      `${bare.policy} timer was late by ${ms(bare.p99)} (p99), ${ms(bare.max)} (max)`,
    met: underruns === 0,
  };
}
