import { OfflineDevice } from '../device/offline.js';
import { type Geometry, layoutOf, ReplicaState, replica } from '../memory/layout.js';
import { replicaAt } from '../memory/replica-ring.js';
import { createSegment } from '../memory/segment.js';
import { DriverCore, DriverStep } from './driver-core.js';
import { type PatchMachine, ReplicaCore, ReplicaStep } from './replica-core.js';

/**
 * The driver and one replica in this process, on a device without a clock: the same steps as live,
 * so the same samples, as fast as the machine can.
 */
export class OfflineEngine {
  /** The quantum that `advance` played, interleaved; valid until the next call. */
  output: Float32Array;
  private readonly driver: DriverCore;
  private readonly renderer: ReplicaCore;
  private readonly device: OfflineDevice;
  private played = false;

  constructor(machine: PatchMachine, format: Pick<Geometry, 'quantum' | 'rateHz' | 'channels'>) {
    const geometry: Geometry = {
      ...format,
      captureChannels: 0,
      lead: 1,
      // Nobody ever joins, so one snapshot in a while is more than is needed.
      snapshotTicks: 1 << 30,
      arenaBytes: machine.arena.length,
      programBytes: 4,
      firstTick: 0,
    };
    const segment = createSegment(new ArrayBuffer(layoutOf(geometry).bytes), geometry);
    const { words } = segment;
    words[replicaAt(segment, 0) + replica.incarnation] = 1;
    words[replicaAt(segment, 0) + replica.state] = ReplicaState.booting;
    this.output = new Float32Array(segment.layout.quantumSamples);
    this.device = new OfflineDevice(format, (samples) => {
      this.output = samples;
      this.played = true;
    });
    const world = { nowUs: () => 0, wake: () => {} };
    const who = { generation: 1, pid: process.pid };
    this.driver = new DriverCore(segment, this.device, world, who, []);
    this.renderer = new ReplicaCore(segment, machine, 0, 1);
  }

  /** Plays one quantum into `output`. */
  advance(): void {
    this.played = false;
    while (!this.played) {
      while (this.renderer.step() === ReplicaStep.go);
      while (this.driver.step() !== DriverStep.device);
      this.driver.deviceAnswered(this.device.wait());
    }
  }
}
