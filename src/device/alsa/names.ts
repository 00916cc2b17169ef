import { TenutoError } from '../../errors.js';
import { listPcms } from '../../os/index.js';
import { parseDeviceName } from '../names.js';

/** A device by the name of its PCM. */
export interface PcmName {
  pcm: string;
  /** It is to stay with its node of the sound server, whatever becomes of that. */
  stays: boolean;
  /** It listens to what a sink of the sound server plays. */
  listensToSink: boolean;
}

/** ALSA's plugins that reach a sound server. */
export type ServerPlugin = 'pipewire' | 'pulse';

/** The one that is installed. Reads the configuration of ALSA. */
export function serverPlugin(): ServerPlugin {
  return listPcms().some(({ name }) => name === 'pipewire') ? 'pipewire' : 'pulse';
}

/** An argument in the name of a PCM: commas, colons and spaces in it belong to it. */
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;

const monitor = '.monitor';

/**
 * The PCM behind a device's name: `alsa:NAME` is any PCM, by the name that ALSA has for it;
 * `pipewire:NODE` is a sink or source of the sound server by the name of its node, and `SINK.monitor`
 * what a sink plays.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN`
 */
export function pcmNameOf(name: string, plugin: () => ServerPlugin = serverPlugin): PcmName {
  const parsed = parseDeviceName(name);
  if (parsed?.kind === 'alsa') return { pcm: parsed.pcm, stays: false, listensToSink: false };
  if (parsed?.kind !== 'server') {
    throw new TenutoError('TENUTO_DEVICE_UNKNOWN', `there is no device "${name}"`);
  }
  const { node } = parsed;
  if (plugin() === 'pulse') {
    return { pcm: `pulse:DEVICE=${quoted(node)}`, stays: false, listensToSink: false };
  }
  const listensToSink = node.endsWith(monitor);
  const target = listensToSink ? node.slice(0, -monitor.length) : node;
  return { pcm: `pipewire:NODE=${quoted(target)}`, stays: true, listensToSink };
}

/**
 * The properties for the streams of PipeWire's plugin, which takes them from the environment. A
 * stream that stays is thrown out when its node goes; else the server moves it somewhere by itself,
 * and nobody is told.
 *
 * @param own - what the user has in the environment
 */
export function streamProperties(
  own: string | undefined,
  { stays, listensToSink }: Pick<PcmName, 'stays' | 'listensToSink'>,
): string {
  const inner = (own ?? '')
    .trim()
    .replace(/^\{([\s\S]*)\}$/, '$1')
    .trim();
  const more = [
    inner,
    stays ? 'node.dont-reconnect = true' : '',
    listensToSink ? 'stream.capture.sink = true' : '',
  ];
  return `{ ${more.filter((text) => text !== '').join(' ')} }`;
}

/** The clock behind a device's name: the sound server's, a card's, or none that is known. */
function clockOf(name: string): string {
  const parsed = parseDeviceName(name);
  if (parsed?.kind !== 'alsa') return 'server';
  const { pcm } = parsed;
  if (/^(default|pipewire|pulse|jack)(:|$)/.test(pcm)) return 'server';
  const card = /^[\w-]+:(?:CARD=)?([^,]+)/.exec(pcm);
  return card === null ? pcm : `card ${card[1]}`;
}

/**
 * Whether what plays on one device and what is captured by another keep step: both are streams of
 * the sound server, which sees to it, or belong to one card.
 */
export function haveOneClock(playing: string, listening: string): boolean {
  return clockOf(playing) === clockOf(listening);
}
