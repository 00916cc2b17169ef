import { limits } from '../limits.js';
import {
  type Demand,
  demandOf,
  demandShape,
  isWholeWithin,
  isWithin,
  shown,
} from './format-checks.js';
import type { StreamFormat } from './types.js';

const bufferMsDefault = 200;
const waitMsDefault = 5000;

/** A format with its defaults, all of it possible. */
export type CheckedFormat = Required<Omit<StreamFormat, 'stream'>> & { stream?: number };

const demand: Demand = demandOf('TENUTO_STREAM_FORMAT');

/** @throws TenutoError `TENUTO_STREAM_FORMAT` that names what cannot be and what can. */
export function checkStreamFormat(given: StreamFormat): CheckedFormat {
  demand(typeof given === 'object' && given !== null, 'a stream needs rate, channels and format');
  const { rate, channels, format, stream } = given;
  const { bufferMs = bufferMsDefault, name = '', waitMs = waitMsDefault } = given;
  const { mediaRateHzMin, mediaRateHzMax, streamNameMax, streamsMax } = limits;
  const { streamBufferMsMin, streamBufferMsMax, streamWaitMsMax } = limits;
  demand(
    isWithin(rate, mediaRateHzMin, mediaRateHzMax),
    `rate ${shown(rate)} is not within ${mediaRateHzMin} to ${mediaRateHzMax} Hz`,
  );
  demandShape(demand, { channels, format });
  demand(
    isWithin(bufferMs, streamBufferMsMin, streamBufferMsMax),
    `bufferMs ${shown(bufferMs)} is not within ${streamBufferMsMin} to ${streamBufferMsMax}`,
  );
  demand(
    typeof name === 'string' && name.length <= streamNameMax,
    `name is no text of at most ${streamNameMax} characters`,
  );
  demand(
    stream === undefined || isWholeWithin(stream, 0, streamsMax - 1),
    `stream ${shown(stream)} is no whole number of 0 to ${streamsMax - 1}`,
  );
  demand(
    isWithin(waitMs, 0, streamWaitMsMax),
    `waitMs ${shown(waitMs)} is not within 0 to ${streamWaitMsMax}`,
  );
  const checked = { rate, channels, format, bufferMs, name, waitMs };
  return stream === undefined ? checked : { ...checked, stream };
}
