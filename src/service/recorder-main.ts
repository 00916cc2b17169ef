import { type Attachment, attach } from '../engine/attach.js';
import { childExit } from '../engine/keeper-core.js';
import type { RecorderOrder } from '../engine/orders.js';
import { TenutoError } from '../errors.js';
import { WavWriter } from '../media/wav-writer.js';
import { clock, Directive, ServiceState, service } from '../memory/layout.js';
import { tellReady, writeScheduling } from '../memory/process-table.js';
import { monotonicNs } from '../os/index.js';
import { RecorderCore } from './recorder-core.js';

/** How often it looks at the output ring, which holds a hundred times as much. */
const lookNs = 100e6;

function openFile(attachment: Attachment, path: string): WavWriter {
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const begun = layout.services + order.place * service.words + service.begun;
  const format = { rate: layout.rateHz, channels: layout.channels };
  if (Atomics.load(words, begun) === 1) return WavWriter.resume(path, format);
  const writer = WavWriter.create(path, format);
  Atomics.store(words, begun, 1);
  return writer;
}

function record(attachment: Attachment): void {
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const { path, stopFrames, syncMs } = order.service as RecorderOrder;
  const state = layout.services + order.place * service.words + service.state;
  const beat = layout.services + order.place * service.words + service.beat;
  using writer = openFile(attachment, path);
  const core = new RecorderCore(segment, order.place, writer, stopFrames);
  Atomics.store(words, state, ServiceState.running);
  writeScheduling(segment, order.row, 'other');
  tellReady(segment, order.row);
  let syncedNs = monotonicNs();
  for (;;) {
    const directive = Atomics.load(words, layout.clock + clock.directive);
    Atomics.add(words, beat, 1);
    core.catchUp();
    if (core.complete || directive >= Directive.finish) break;
    if (monotonicNs() - syncedNs > syncMs * 1e6) {
      writer.sync();
      syncedNs = monotonicNs();
    }
    attachment.wait(layout.clock + clock.directive, directive, lookNs);
  }
  writer.close();
  Atomics.store(words, state, ServiceState.finished);
}

function main(): void {
  const attachment = attach('recorder', { locked: false });
  const { segment, order } = attachment;
  try {
    record(attachment);
  } catch (error) {
    const state = segment.layout.services + order.place * service.words + service.state;
    Atomics.store(segment.words, state, ServiceState.failed);
    if (!(error instanceof TenutoError)) throw error;
    process.stderr.write(`tenuto: ${error.code}: ${error.message}\nremedy: ${error.remedy}\n`);
    process.exit(childExit.hopeless);
  }
  process.exit(childExit.finished);
}

main();
