import { Renderer } from '../dsp/renderer.js';
import type { AssetView, StreamView } from '../dsp/node.js';
import { writeScheduling } from '../memory/process-table.js';
import { becomeRealtime, limitRealtimeCpu, mapShared } from '../os/index.js';
import { type Attachment, attach } from './attach.js';
import { childFds } from './orders.js';
import { type PatchMachine, ReplicaCore, ReplicaStep } from './replica-core.js';
import { withFaults } from './planted-faults.js';

/** CPU time without a wait after which the kernel ends a replica that computes for ever. */
const runawayUs = 400_000;
const waitNs = 50e6;

function mapAssets(attachment: Attachment): AssetView[] {
  const { order } = attachment;
  return order.assets.map((asset, index) => {
    const fd = childFds.firstStream + order.streams + index;
    const bytes = asset.frames * asset.channels * 4;
    const { buffer } = mapShared(fd, bytes, { writable: false });
    return { ...asset, samples: new Float32Array(buffer, 0, asset.frames * asset.channels) };
  });
}

function loadMachine(attachment: Attachment): PatchMachine {
  const { segment, streams, order } = attachment;
  const { layout } = segment;
  const from = layout.program * 4;
  const program = segment.bytes.slice(from, from + layout.programBytes);
  const views = streams.filter((stream) => stream !== null).map(
    ({ samples, channels, frames }): StreamView => ({ samples, channels, frames }),
  );
  const renderer = new Renderer(program, { streams: views, assets: mapAssets(attachment) });
  return order.faults ? withFaults(renderer) : renderer;
}

/** Runs a replica until it is told to leave or cannot go on. */
function main(): void {
  const attachment = attach(`replica ${placeName()}`, { locked: true });
  const { segment, order } = attachment;
  const core = new ReplicaCore(segment, loadMachine(attachment), order.place, order.incarnation);
  let caughtUp = false;
  for (;;) {
    const step = core.step();
    if (step === ReplicaStep.go) continue;
    if (step === ReplicaStep.done) break;
    if (!caughtUp) {
      caughtUp = true;
      enterService(attachment);
    }
    attachment.wait(core.waitWord, core.waitValue, waitNs);
  }
  process.exit(core.end === 'left' ? 0 : 1);
}

/** Caught up: from now on it renders in time, and must not be held up by ordinary programs. */
function enterService({ order, segment }: Attachment): void {
  if (!order.realtime) return;
  limitRealtimeCpu(runawayUs, runawayUs * 2);
  const { policy } = becomeRealtime(order.realtimePriority - 1);
  writeScheduling(segment, order.row, policy);
}

function placeName(): string {
  return String((JSON.parse(process.argv[2] ?? '{}') as { place?: number }).place ?? '');
}

main();
