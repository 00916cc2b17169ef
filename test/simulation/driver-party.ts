import { type Device, DeviceSignal } from '../../src/device/device.js';
import { DriverCore, DriverStep } from '../../src/engine/driver-core.js';
import { StandbyAdvice, StandbyCore } from '../../src/engine/standby-core.js';
import { currentDriverPid } from '../../src/engine/takeover.js';
import { noteOpening, settleRequest, waitingRequest } from '../../src/memory/device-desk.js';
import { DeviceState, desk } from '../../src/memory/layout.js';
import { tellReady } from '../../src/memory/process-table.js';
import { SimulatedDevice } from './devices.js';
import { type Party, type PartyWorld, quantumUs, type Wish } from './parties.js';

const go: Wish = { kind: 'go' };
const never: Wish = { kind: 'wait', untilUs: Number.POSITIVE_INFINITY, word: -1, value: 0 };

/** A driver process: first the standby's watch, then the driver itself. */
export class DriverParty implements Party {
  private readonly standby: StandbyCore;
  private phase: () => Wish = this.standBy;
  private core: DriverCore | null = null;
  private device: Device | null = null;
  private dueUs = 0;
  private request = 0;

  constructor(
    private readonly world: PartyWorld,
    private readonly seat: { row: number; place: number; pid: number },
  ) {
    const { segment } = world;
    this.standby = new StandbyCore(segment, seat.place, 3 * quantumUs(segment));
    tellReady(segment, seat.row);
  }

  step(): Wish {
    return this.phase();
  }

  private standBy(): Wish {
    const { world, standby } = this;
    const advice = standby.advise(world.nowUs() | 0);
    if (advice === StandbyAdvice.leave) return { kind: 'exit', code: 0 };
    if (advice === StandbyAdvice.open) return this.beginToOpen();
    if (advice === StandbyAdvice.wait) {
      const untilUs = world.nowUs() + standby.waitUs;
      return { kind: 'wait', untilUs, word: standby.waitWord, value: standby.waitValue };
    }
    world.kill(currentDriverPid(world.segment));
    const state = this.deviceState;
    const opens = state === DeviceState.none || state === DeviceState.playing;
    const fails = state !== DeviceState.none && world.random.chance(world.devices.failChance);
    this.begin(opens && !fails ? this.makeDevice() : null, state !== DeviceState.none);
    return go;
  }

  private beginToOpen(): Wish {
    const { world } = this;
    const request = waitingRequest(world.segment);
    if (request === null) return go;
    this.request = request.number;
    noteOpening(world.segment, this.seat.place, world.nowUs());
    if (world.random.chance(world.devices.hangChance)) return never;
    this.phase = this.opened;
    const untilUs = world.nowUs() + world.random.between(1000, 30_000);
    return { kind: 'wait', untilUs, word: -1, value: 0 };
  }

  private opened(): Wish {
    const { world } = this;
    const { segment } = world;
    noteOpening(segment, 0, world.nowUs());
    this.phase = this.standBy;
    if (world.random.chance(world.devices.failChance)) {
      settleRequest(segment, { number: this.request, opened: false, error: 0, text: 'busy' });
      return go;
    }
    this.device = this.makeDevice();
    this.standby.askToLeave();
    this.dueUs = world.nowUs() + 3 * quantumUs(segment);
    this.phase = this.awaitLeave;
    return go;
  }

  private awaitLeave(): Wish {
    const { world, standby } = this;
    if (!standby.hasLeft && world.nowUs() < this.dueUs) {
      return { kind: 'wait', untilUs: world.nowUs() + 200, word: -1, value: 0 };
    }
    if (!standby.hasLeft) world.kill(currentDriverPid(world.segment));
    const answer = { number: this.request, opened: true, error: 0, text: '' };
    settleRequest(world.segment, answer);
    this.begin(this.device, true);
    return go;
  }

  private get deviceState(): number {
    const { words, layout } = this.world.segment;
    return words[layout.desk + desk.state]!;
  }

  private makeDevice(): Device {
    const { rateHz, channels, quantum } = this.world.segment.layout;
    return new SimulatedDevice(this.world.devices, rateHz, channels, quantum);
  }

  private begin(device: Device | null, replays: boolean): void {
    const { world, seat } = this;
    const { words, layout } = world.segment;
    const who = { generation: seat.place, pid: seat.pid };
    const clockWorld = { nowUs: () => world.nowUs() | 0, wake: (word: number) => world.wake(word) };
    const unplayed = words[layout.desk + desk.unplayedFrames]!;
    const manners = {
      standIn: world.continues ? this.makeDevice() : null,
      replayFrames: replays ? unplayed : 0,
      gently: false,
      askedUs: null,
    };
    this.device = device;
    this.core = new DriverCore(world.segment, device, clockWorld, who, world.streams, manners);
    world.sabotage.driver?.(this.core);
    this.dueUs = world.nowUs();
    this.phase = this.drive;
  }

  private drive(): Wish {
    const core = this.core!;
    const step = core.step();
    if (step === DriverStep.go || step === DriverStep.lost) return go;
    if (step === DriverStep.done) {
      if (core.end !== 'fenced') core.pacer?.drain(0);
      return { kind: 'exit', code: core.end === 'closed' ? 0 : 1 };
    }
    const now = this.world.nowUs();
    if (step === DriverStep.idle) {
      return { kind: 'wait', untilUs: now + 1000, word: -1, value: 0 };
    }
    if (now < this.dueUs) return { kind: 'wait', untilUs: this.dueUs, word: -1, value: 0 };
    const late = now - this.dueUs > 2 * quantumUs(this.world.segment);
    this.dueUs = late ? now : this.dueUs + quantumUs(this.world.segment);
    const signal = core.pacer!.wait();
    core.deviceAnswered(late && signal === DeviceSignal.due ? DeviceSignal.xrun : signal);
    return go;
  }
}
