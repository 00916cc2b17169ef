import { TenutoError } from '../../errors.js';
import { errnoName, type Pcm, PcmFormat } from '../../os/index.js';
import type { SampleFormat } from '../../pcm/sample-format.js';

/** What is wanted of a PCM. */
export interface PcmWish {
  /** The device's name, for messages. */
  name: string;
  rateHz: number;
  channels: number;
  periodFrames: number;
  bufferFrames: number;
  /** Frames that a sound server's plugin hands over at a time, and states as wanted latency. */
  wakeFrames: number;
  /** Take the nearest rate where the device refuses the wanted one. */
  acceptRate: boolean;
}

/** What a PCM was configured to. */
export interface PcmChoice {
  format: SampleFormat;
  rateHz: number;
  channels: number;
  periodFrames: number;
  bufferFrames: number;
}

/** From the one that loses nothing to the one that loses most. */
const preferred: readonly (readonly [SampleFormat, number])[] = [
  ['f32', PcmFormat.f32],
  ['s32', PcmFormat.s32],
  ['s24in32', PcmFormat.s24],
  ['s24', PcmFormat.s24Packed],
  ['s16', PcmFormat.s16],
];

function refused(wish: PcmWish, what: string, error?: number): TenutoError {
  const cause = error === undefined ? '' : ` (${errnoName(error)})`;
  return new TenutoError('TENUTO_DEVICE_FORMAT', `${wish.name} refuses ${what}${cause}`);
}

const range = (from: number, to: number) => (from === to ? `${from}` : `${from} to ${to}`);

/**
 * Configures a PCM: the format that loses least, the channels and the rate that are wanted, and a
 * period of a quantum, which a sound server takes for the latency that is wanted.
 *
 * @throws TenutoError `TENUTO_DEVICE_RATE`, `TENUTO_DEVICE_FORMAT`
 */
export function negotiate(pcm: Pcm, wish: PcmWish): PcmChoice {
  const parameters = pcm.parameters();
  let error = parameters.begin();
  if (error < 0) throw refused(wish, 'interleaved samples', error);
  const { channelsMin, channelsMax, rateMinHz, rateMaxHz } = parameters.ranges();
  const found = preferred.find(([, number]) => parameters.canFormat(number));
  if (found === undefined) throw refused(wish, 'every sample format that Tenuto writes');
  const [format, number] = found;
  error = parameters.setFormat(number);
  if (error < 0) throw refused(wish, `the format ${format}`, error);
  const channels = parameters.setChannels(wish.channels);
  if (channels <= 0) {
    const possible = `it has ${range(channelsMin, channelsMax)}`;
    throw refused(wish, `${wish.channels} channels; ${possible}`, channels);
  }
  const rateHz = parameters.setRate(wish.rateHz);
  if (rateHz <= 0 || (rateHz !== wish.rateHz && !wish.acceptRate)) {
    throw new TenutoError(
      'TENUTO_DEVICE_RATE',
      `${wish.name} refuses ${wish.rateHz} Hz; it runs at ${range(rateMinHz, rateMaxHz)} Hz`,
    );
  }
  const periodFrames = parameters.setPeriod(wish.periodFrames);
  if (periodFrames <= 0) throw refused(wish, 'every length of its period', periodFrames);
  const bufferFrames = parameters.setBuffer(Math.max(wish.bufferFrames, 2 * periodFrames));
  if (bufferFrames <= 0) throw refused(wish, 'every length of its buffer', bufferFrames);
  error = parameters.install(Math.min(wish.wakeFrames, bufferFrames));
  if (error < 0) throw refused(wish, 'the configuration', error);
  return { format, rateHz, channels, periodFrames, bufferFrames };
}
