import { basename } from 'node:path';
import type { Command } from 'commander';
import type { EngineStream, PreparedKeeper } from '../../client/index.js';
import { limits } from '../../limits.js';
import { openDecoder, openPcm } from '../../media/index.js';
import type { PcmFormat } from '../../pcm/index.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import { tellOutcome, type Watch, watchEngine } from '../live-engine.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { loadPatchText } from '../patch-file.js';
import { barText, clockText, countText, rateText, say } from '../terminal.js';

/** The whole engine of a player: what the client writes is what is heard. */
const playerPatch = `
name: player
nodes:
  file: { type: stream, stream: 0 }
  out: { type: out, in: file }
`;

/** A file of the list, looked into before anything is played. */
interface Track {
  readonly file: string;
  readonly title: string;
  readonly rate: number;
  /** Seconds that the file says it has; undefined when it does not. */
  readonly seconds: number | undefined;
  /** Frames of the stream before its first one; Infinity until it has begun. */
  start: number;
}

async function lookInto(file: string): Promise<Track> {
  await using decoder = await openDecoder(file);
  const { rate, frames, tags } = decoder;
  const named = [tags.artist, tags.title].filter(Boolean).join(' - ');
  const seconds = frames === undefined ? undefined : frames / rate;
  return { file, title: named || basename(file), rate, seconds, start: Number.POSITIVE_INFINITY };
}

/** Decodes the tracks into the engine's stream, as fast as it takes them, and waits for the end. */
async function feed(
  tracks: readonly Track[],
  stream: EngineStream,
  format: PcmFormat,
  interrupt: Interrupt,
): Promise<void> {
  for (const track of tracks) {
    track.start = stream.written;
    await using source = await openPcm(track.file, format);
    for (let block = await source.read(); block !== null; block = await source.read()) {
      if (interrupt.signal !== null) return;
      await stream.write(block);
    }
    if (source.errors > 0) {
      const places = countText(source.errors, 'damaged place');
      process.stderr.write(`tenuto: ${track.file}: ${places} left out\n`);
    }
  }
  await stream.drain();
}

/** `━━━━────  1:05 of 3:20  Artist - Title` */
function progressText(tracks: readonly Track[], played: number, rate: number): string {
  const { title, seconds, start } = tracks.findLast((track) => track.start <= played) ?? {
    title: '',
    seconds: undefined,
    start: 0,
  };
  const sec = (played - start) / rate;
  if (seconds === undefined) return `${clockText(sec)}  ${title}`;
  return `${barText(sec / seconds, 30)}  ${clockText(sec)} of ${clockText(seconds)}  ${title}`;
}

/**
 * The engine's rate: that of the first file, so that it is played sample for sample, where that is
 * possible; or the device's own, where the player is to convert and not the device.
 */
async function rateFor(tracks: readonly Track[], settings: Settings): Promise<number> {
  const { rateHz } = settings.engine;
  if (settings.device.resampleMode === 'producer') {
    const { firstDevices } = await import('../../client/first-devices.js');
    const { first } = await firstDevices(settings.device);
    return first[0]?.nativeRateHz ?? rateHz;
  }
  const rate = tracks[0]?.rate ?? rateHz;
  return rate >= limits.rateHzMin && rate <= limits.rateHzMax ? rate : rateHz;
}

async function play(
  files: string[],
  options: CommonOptions,
  keeper: PreparedKeeper | null,
): Promise<void> {
  const settings = readSettings(options);
  // What it plays stands in the files.
  settings.flight.minutes = 0;
  using interrupt = new Interrupt();
  const { checkDevices } = await import('../../device/catalogue/index.js');
  await checkDevices(settings.device);
  const tracks: Track[] = [];
  for (const file of files) tracks.push(await lookInto(file));
  if (options.rate === undefined) {
    settings.engine.rateHz = await rateFor(tracks, settings);
  }
  const { rateHz: rate, channels } = settings.engine;
  const { compiled } = await loadPatchText(playerPatch, 'player', settings.engine);
  const { startEngine } = await import('../../client/index.js');
  await using engine = await startEngine({
    settings,
    patch: compiled,
    ...(keeper && { keeper }),
  });
  if (!options.json) {
    for (const track of tracks) {
      const length = track.seconds === undefined ? '' : `, ${clockText(track.seconds)}`;
      say(`${track.title} (${rateText(track.rate)}${length})`);
    }
  }
  let stream: EngineStream | undefined;
  const played = async () => {
    stream = await engine.openStream({
      rate,
      channels,
      format: 'f32',
      bufferMs: limits.streamBufferMsMax,
      name: 'play',
      stream: 0,
    });
    await feed(tracks, stream, { rate, channels }, interrupt);
  };
  const watch: Watch = {
    engine,
    interrupt,
    json: options.json ?? false,
    verbose: options.verbose ?? false,
    line: () => progressText(tracks, stream?.played ?? 0, rate),
    finished: played(),
  };
  tellOutcome(await watchEngine(watch), watch, { files, rate });
}

export function define(command: Command, keeper: PreparedKeeper | null): void {
  addSettingOptions(addCommonOptions(command.argument('<file...>', 'audio files'))).action(
    (files: string[], options: CommonOptions) => play(files, options, keeper),
  );
}
