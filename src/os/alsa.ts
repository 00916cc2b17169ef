import koffi from 'koffi';
import { TenutoError } from '../errors.js';

/**
 * libasound, the library of ALSA, loaded when it is first asked for: a machine without it has no
 * ALSA devices and lacks nothing else. Every function returns a negative errno when it fails, and
 * aborts the process when it is handed a null handle; alsa-pcm.ts never does that.
 *
 * Addresses travel as plain numbers, as in libc.ts.
 */

type Long = number;
type Unary = (pcm: Long) => number;
type Binary = (pcm: Long, argument: Long) => number;
type Field = (pcm: Long, structure: Long, value: Long) => number;

function declare(library: ReturnType<typeof koffi.load>) {
  const unary = (name: string) => library.func(`int ${name}(long)`) as Unary;
  const binary = (name: string) => library.func(`int ${name}(long, long)`) as Binary;
  const field = (name: string) => library.func(`int ${name}(long, long, long)`) as Field;
  /** Sets a range's nearest value, which stands at `value` before and after. */
  const near = (name: string) =>
    library.func(`int ${name}(long, long, long, long)`) as (
      pcm: Long,
      structure: Long,
      value: Long,
      direction: Long,
    ) => number;
  const transfer = (name: string) =>
    library.func(`long ${name}(long, long, long)`) as (
      pcm: Long,
      buffer: Long,
      frames: number,
    ) => number;
  return {
    pcmOpen: library.func('int snd_pcm_open(long, str, int, int)') as (
      handle: Long,
      name: string,
      stream: number,
      mode: number,
    ) => number,
    pcmClose: unary('snd_pcm_close'),
    prepare: unary('snd_pcm_prepare'),
    start: unary('snd_pcm_start'),
    drop: unary('snd_pcm_drop'),
    resume: unary('snd_pcm_resume'),
    unlink: unary('snd_pcm_unlink'),
    link: binary('snd_pcm_link'),
    write: transfer('snd_pcm_writei'),
    read: transfer('snd_pcm_readi'),

    status: binary('snd_pcm_status'),
    statusBytes: library.func('long snd_pcm_status_sizeof()') as () => number,
    statusState: unary('snd_pcm_status_get_state'),
    statusAvail: library.func('long snd_pcm_status_get_avail(long)') as Unary,
    statusDelay: library.func('long snd_pcm_status_get_delay(long)') as Unary,
    statusTime: library.func('void snd_pcm_status_get_htstamp(long, long)') as (
      status: Long,
      timespec: Long,
    ) => void,

    hardwareBytes: library.func('long snd_pcm_hw_params_sizeof()') as () => number,
    hardwareAny: binary('snd_pcm_hw_params_any'),
    hardwareInstall: binary('snd_pcm_hw_params'),
    testFormat: field('snd_pcm_hw_params_test_format'),
    setAccess: field('snd_pcm_hw_params_set_access'),
    setFormat: field('snd_pcm_hw_params_set_format'),
    setRateResample: field('snd_pcm_hw_params_set_rate_resample'),
    setChannelsNear: field('snd_pcm_hw_params_set_channels_near'),
    setRateNear: near('snd_pcm_hw_params_set_rate_near'),
    setPeriodNear: near('snd_pcm_hw_params_set_period_size_near'),
    setBufferNear: field('snd_pcm_hw_params_set_buffer_size_near'),
    channelsMin: binary('snd_pcm_hw_params_get_channels_min'),
    channelsMax: binary('snd_pcm_hw_params_get_channels_max'),
    rateMin: field('snd_pcm_hw_params_get_rate_min'),
    rateMax: field('snd_pcm_hw_params_get_rate_max'),

    softwareBytes: library.func('long snd_pcm_sw_params_sizeof()') as () => number,
    softwareCurrent: binary('snd_pcm_sw_params_current'),
    softwareInstall: binary('snd_pcm_sw_params'),
    boundary: binary('snd_pcm_sw_params_get_boundary'),
    setStartThreshold: field('snd_pcm_sw_params_set_start_threshold'),
    setAvailMin: field('snd_pcm_sw_params_set_avail_min'),
    setTimeMode: field('snd_pcm_sw_params_set_tstamp_mode'),
    setTimeType: field('snd_pcm_sw_params_set_tstamp_type'),

    nameHint: library.func('int snd_device_name_hint(int, str, long)') as (
      card: number,
      kind: string,
      hints: Long,
    ) => number,
    /** The text, which belongs to the caller: its address, or 0. */
    getHint: library.func('long snd_device_name_get_hint(long, str)') as (
      hint: Long,
      id: string,
    ) => number,
    freeHints: unary('snd_device_name_free_hint'),
  };
}

export type AlsaLibrary = ReturnType<typeof declare>;

/**
 * Makes libasound keep its complaints for itself: it prints them to standard error, from whatever
 * thread. Its handler is called with any number of arguments and must do nothing, on any thread, so
 * it cannot be JavaScript. getppid(2) looks at no argument and changes nothing.
 */
function silence(library: ReturnType<typeof koffi.load>): void {
  const harmless = Number(koffi.load('libc.so.6').symbol('getppid') as bigint);
  const setHandler = library.func('int snd_lib_error_set_handler(long)') as Unary;
  setHandler(harmless);
}

let loaded: AlsaLibrary | TenutoError | null = null;

function load(): AlsaLibrary | TenutoError {
  try {
    const library = koffi.load('libasound.so.2');
    silence(library);
    return declare(library);
  } catch (cause) {
    return new TenutoError('TENUTO_DEVICE_NO_ALSA', 'libasound.so.2 cannot be loaded', { cause });
  }
}

/**
 * The library. Not for the audio thread, as it may be loaded here.
 *
 * @throws TenutoError `TENUTO_DEVICE_NO_ALSA`
 */
export function alsa(): AlsaLibrary {
  loaded ??= load();
  if (loaded instanceof TenutoError) throw loaded;
  return loaded;
}
