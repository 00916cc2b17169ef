import { appendFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { launchSilent } from '../kit/capture.js';
import { temporaryFile, testSettings, until, whole } from '../kit/engine.js';

it('a fault that the kernel tells of trips its wire', async () => {
  const file = await temporaryFile('kmsg');
  writeFileSync(file, '2,1,1000,-;Kernel panic: last week\n');
  const engine = await launchSilent(testSettings([`measure.kernelLog=${file}`]));
  await whole(engine);
  const wire = () => engine.status().tripwires.find(({ name }) => name === 'kernel_fault_count');
  expect(wire()).toMatchObject({ value: 0, tripped: false });
  await until('it is counted', () => {
    // Control looks from when it is up; what came before is history to it.
    appendFileSync(file, '2,2,2000,-;BUG: unable to handle page fault\n');
    return wire()?.tripped;
  });
  expect(engine.status().counters.kernelFaults).toBeGreaterThan(0);
  await engine.stop();
});
