import type { RecordTrouble } from '../client/index.js';

/** What came between, as a sentence goes on with it. */
export const troubleTexts: Record<RecordTrouble, string> = {
  away: 'nobody listened: the input device was away',
  generation: 'another driver took the device over',
  concealed: 'the sound was interrupted',
  starved: 'this program was kept from running and the signal came too late',
  dropped: 'the input device lost frames',
  xrun: 'the device ran dry',
  way: 'the way through the device changed',
};
