import { limits } from '../../limits.js';

const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/** A packet as SLIP carries it (RFC 1055), with an END on both sides as OSC 1.1 asks for. */
export function encodeSlip(packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(packet.length * 2 + 2);
  let at = 0;
  out[at++] = END;
  for (const byte of packet) {
    if (byte === END || byte === ESC) {
      out[at++] = ESC;
      out[at++] = byte === END ? ESC_END : ESC_ESC;
    } else out[at++] = byte;
  }
  out[at++] = END;
  return out.subarray(0, at);
}

/** What a decoder found. */
export interface SlipEvents {
  onPacket(packet: Uint8Array): void;
  /** A frame that is none, or too long; what follows its end is read again. */
  onDamage(reason: string): void;
}

/** Takes packets out of a stream of bytes, however it is cut. Bounded: a longer frame is damage. */
export class SlipDecoder {
  private readonly frame = new Uint8Array(limits.oscPacketBytesMax);
  private length = 0;
  private isEscaped = false;
  /** The rest of a damaged frame is skipped. */
  private isDamaged = false;

  constructor(private readonly events: SlipEvents) {}

  push(bytes: Uint8Array): void {
    for (const byte of bytes) this.take(byte);
  }

  private take(byte: number): void {
    if (byte === END) {
      this.end();
    } else if (this.isDamaged) {
      return;
    } else if (this.isEscaped) {
      this.isEscaped = false;
      if (byte === ESC_END) this.keep(END);
      else if (byte === ESC_ESC) this.keep(ESC);
      else this.damage('a byte that must not follow an escape');
    } else if (byte === ESC) {
      this.isEscaped = true;
    } else this.keep(byte);
  }

  private keep(byte: number): void {
    if (this.length === this.frame.length) {
      this.damage(`a packet longer than ${limits.oscPacketBytesMax} bytes`);
      return;
    }
    this.frame[this.length++] = byte;
  }

  private damage(reason: string): void {
    this.isDamaged = true;
    this.events.onDamage(reason);
  }

  private end(): void {
    const { length, isDamaged, isEscaped } = this;
    this.length = 0;
    this.isEscaped = false;
    this.isDamaged = false;
    if (isDamaged) return;
    if (isEscaped) this.events.onDamage('a packet that ends in an escape');
    else if (length > 0) this.events.onPacket(this.frame.slice(0, length));
  }
}
