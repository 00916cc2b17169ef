import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { count, counterIndex } from '../../memory/counters.js';
import type { Segment } from '../../memory/segment.js';
import type { Bus } from '../bus/bus.js';
import type { Ack, Change } from '../bus/command.js';
import type { Intent, OscAddresses } from './addresses.js';
import {
  type OscGroup,
  type OscMessage,
  type OscReply,
  readPacket,
  writeMessage,
} from './packet.js';

/** Who sent a packet, and hears the answers. */
export interface OscSender {
  /** The same for packets of the same sender. */
  readonly key: string;
  reply(packet: Uint8Array): void;
}

/** What the desk tells of the engine to who asks for its status. */
export interface EngineSummary {
  readonly name: string;
  readonly state: string;
  readonly underruns: number;
}

/** Takes packets from whatever socket they come, gives what they ask for to the bus, and answers. */
export class OscDesk {
  /** Senders that want to hear of each of their commands, the one that asked last at the end. */
  private readonly notified = new Set<string>();
  private answersLeft = limits.oscErrorsPerSecMax;

  constructor(
    private readonly segment: Segment,
    private readonly bus: Bus,
    private readonly addresses: () => OscAddresses,
    private readonly summary: () => EngineSummary,
  ) {}

  /** A packet; resolves when all in it was answered. */
  async take(bytes: Uint8Array, sender: OscSender): Promise<void> {
    let groups: OscGroup[];
    try {
      groups = readPacket(bytes);
    } catch (error) {
      this.refuseDamaged(sender, error);
      return;
    }
    await Promise.all(groups.map((group) => this.takeGroup(group, sender)));
  }

  /** What came is no packet at all. */
  refuseDamaged(sender: OscSender, error: unknown): void {
    if (!(error instanceof TenutoError)) throw error;
    count(this.segment, counterIndex.packetsRefused, 1);
    this.tellError(sender, '', error);
  }

  /** A sender is gone. */
  forget(key: string): void {
    this.notified.delete(key);
  }

  /** Datagrams were lost, because they came faster than control could read them. */
  missed(datagrams: number): void {
    count(this.segment, counterIndex.oscLost, datagrams);
  }

  /** Once a second: as many errors may be told again. */
  refill(): void {
    this.answersLeft = limits.oscErrorsPerSecMax;
  }

  private async takeGroup(group: OscGroup, sender: OscSender): Promise<void> {
    count(this.segment, counterIndex.oscMessages, group.messages.length);
    const changes: Change[] = [];
    const others: { message: OscMessage; intent: Intent }[] = [];
    let refused = false;
    for (const message of group.messages) {
      try {
        const intent = this.addresses().read(message);
        if (intent.kind === 'change') changes.push(...intent.changes);
        else others.push({ message, intent });
      } catch (error) {
        if (!(error instanceof TenutoError)) throw error;
        count(this.segment, counterIndex.commandsRefused, 1);
        this.tellError(sender, message.address, error);
        refused = true;
      }
    }
    const address = group.isBundle ? '#bundle' : (group.messages[0]?.address ?? '');
    // All of a bundle, or nothing.
    const done = changes.length > 0 && !refused ? this.command(group, changes) : null;
    for (const { message, intent } of others) await this.answer(message, intent, sender);
    if (done !== null) this.tellAck(sender, address, await done);
  }

  private command({ time }: OscGroup, changes: readonly Change[]): Promise<Ack> {
    const at = time === null ? {} : { at: { ntp: time } };
    const [only] = changes;
    const command =
      changes.length === 1 ? { ...only, ...at } : { do: 'bundle', commands: changes, ...at };
    return this.bus.submit(command, 'osc');
  }

  private async answer(message: OscMessage, intent: Intent, sender: OscSender): Promise<void> {
    try {
      if (intent.kind === 'notify') {
        this.notify(sender.key, intent.isOn);
        return;
      }
      // What is asked after a command is answered after it.
      const { seq, tick } = await this.bus.settled();
      if (intent.kind === 'get') this.tellValues(sender, intent.path);
      else if (intent.kind === 'status') this.tellStatus(sender);
      else if (intent.kind === 'sync') {
        const token = typeof intent.token === 'string' ? intent.token : { int: intent.token };
        tell(sender, '/synced', [token, { int: seq }, { int: tick }]);
      }
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      this.tellError(sender, message.address, error);
    }
  }

  private notify(key: string, isOn: boolean): void {
    this.notified.delete(key);
    if (!isOn) return;
    this.notified.add(key);
    if (this.notified.size <= limits.oscNotifiedMax) return;
    for (const oldest of this.notified) {
      this.notified.delete(oldest);
      break;
    }
  }

  private tellValues(sender: OscSender, path: string | undefined): void {
    const { values } = this.bus.get(path);
    for (const [one, { value, target }] of Object.entries(values)) {
      tell(sender, '/value', [one, value, target]);
    }
  }

  private tellStatus(sender: OscSender): void {
    const { name, state, underruns } = this.summary();
    const { transport, seq, tick } = this.bus.head;
    tell(sender, '/engine/status', [
      state,
      transport,
      { int: tick },
      { int: seq },
      { int: underruns },
      name,
    ]);
  }

  private tellAck(sender: OscSender, address: string, ack: Ack): void {
    if (!ack.ok) {
      this.tellError(sender, address, new TenutoError(ack.code, ack.message));
    } else if (this.notified.has(sender.key) || address.startsWith('/engine/')) {
      const { seq, tick, frame } = ack;
      tell(sender, '/ack', [address, { int: seq }, { int: tick }, { int: frame }]);
    }
  }

  /** Bounded, so that somebody who sends nothing but errors does not keep control busy. */
  private tellError(sender: OscSender, address: string, { code, message }: TenutoError): void {
    if (this.answersLeft-- > 0) tell(sender, '/error', [address, code, message]);
  }
}

function tell(sender: OscSender, address: string, values: readonly OscReply[]): void {
  sender.reply(writeMessage(address, values));
}
