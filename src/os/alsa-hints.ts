import koffi from 'koffi';
import { alsa } from './alsa.js';
import { libc, viewMemory } from './libc.js';

/** A PCM that is defined on this machine, as `aplay -L` lists it. */
export interface PcmHint {
  name: string;
  /** Perhaps of several lines. */
  description: string;
  playback: boolean;
  capture: boolean;
}

/** Far more than any machine defines: a list without an end would be read past its memory. */
const hintsMax = 4096;
const textBytesMax = 4096;

/** The text at an address of libasound's, which is freed here. */
function takeText(address: number): string | null {
  if (address === 0) return null;
  const bytes = libc.strnlen(address, textBytesMax);
  const text = bytes === 0 ? '' : Buffer.from(viewMemory(address, bytes)).toString('utf8');
  libc.free(address);
  return text;
}

/**
 * The PCMs that the configuration of ALSA defines, in its order. Reads files; whether a PCM can be
 * opened shows only when it is. Not for the audio thread.
 *
 * @throws TenutoError `TENUTO_DEVICE_NO_ALSA`
 */
export function listPcms(): PcmHint[] {
  const library = alsa();
  const out = new BigUint64Array(8);
  if (library.nameHint(-1, 'pcm', Number(koffi.address(out.buffer))) < 0) return [];
  const list = Number(out[0]);
  if (list === 0) return [];
  const hints: PcmHint[] = [];
  for (let i = 0; i < hintsMax; i++) {
    const hint = Number(new BigUint64Array(viewMemory(list + 8 * i, 8))[0]);
    if (hint === 0) break;
    const name = takeText(library.getHint(hint, 'NAME'));
    const description = takeText(library.getHint(hint, 'DESC')) ?? '';
    const direction = takeText(library.getHint(hint, 'IOID'));
    if (name === null) continue;
    const playback = direction !== 'Input';
    hints.push({ name, description, playback, capture: direction !== 'Output' });
  }
  library.freeHints(list);
  return hints;
}
