import { expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import type { Attachment } from './attach.js';
import type { ChildOrder } from './orders.js';
import { rehearse } from './rehearsal.js';

const order = {
  row: 3,
  place: 7,
  keeperPid: 1,
  driverPatienceUs: 8000,
  epochNs: 0,
  device: {
    virtual: {
      rateErrorPpm: 0,
      jitterUs: 0,
      faults: [{ kind: 'vanish', atMs: 0, forMs: 1e9 }],
      loopbackFrames: 0,
      room: null,
    },
    captureName: 'virtual',
    onLoss: 'hold',
    preferStreamRate: 'device',
    resampleMode: 'callback',
    resampleQuality: 'music',
  },
} as unknown as ChildOrder;

it('takes over again and again, and touches nothing of the engine', () => {
  for (const captureChannels of [0, 2]) {
    const segment = segmentFor({ quantum: 128, rateHz: 48_000, captureChannels });
    const before = Buffer.from(segment.bytes).toString('base64');
    const calls: string[] = [];
    const attachment: Attachment = {
      order,
      segment,
      streams: [],
      wake: () => calls.push('wake'),
      wait: () => calls.push('wait') > 0,
    };
    rehearse(attachment);
    expect(calls).toEqual([]);
    expect(Buffer.from(segment.bytes).toString('base64')).toBe(before);
  }
});
