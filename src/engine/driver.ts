import { clock, DriverMark } from '../memory/layout.js';
import { attach } from './attach.js';
import { Driver } from './driver-process.js';
import { childExit } from './keeper-core.js';
import { enterRealtime } from './realtime.js';
import { rehearse } from './rehearsal.js';

function main(): void {
  const attachment = attach('driver', { locked: true });
  const { segment, order } = attachment;
  const { words, layout } = segment;
  // The first driver of all is waited for, and its first turns are silent.
  const isFirst = Atomics.load(words, layout.clock + clock.driverMark) === DriverMark.starting;
  if (!isFirst) rehearse(attachment);
  enterRealtime(attachment, order.realtimePriority);
  const driver = new Driver(attachment);
  const ready = driver.standBy();
  process.exit(ready === null ? childExit.finished : driver.drive(ready));
}

main();
