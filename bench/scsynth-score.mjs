/**
 * Writes what scsynth's non-real-time mode reads, without sclang: SynthDef files (version 2) and
 * scores (OSC bundles with their lengths). Formats after SuperCollider's own reference pages
 * "Synth Definition File Format" and "Non-Realtime Synthesis".
 */

const rates = { scalar: 0, control: 1, audio: 2 };
/** Special indexes of the operator UGens in use. */
const binary = { add: 0, mul: 2 };
const unary = { tanh: 36 };

/** Big-endian bytes, appended one value after the other. */
class Bytes {
  parts = [];
  put(size, write) {
    const part = Buffer.alloc(size);
    write(part);
    this.parts.push(part);
    return this;
  }
  int8 = (value) => this.put(1, (b) => b.writeInt8(value));
  int16 = (value) => this.put(2, (b) => b.writeInt16BE(value));
  int32 = (value) => this.put(4, (b) => b.writeInt32BE(value));
  float = (value) => this.put(4, (b) => b.writeFloatBE(value));
  name = (text) => this.int8(text.length).raw(Buffer.from(text, 'latin1'));
  raw(buffer) {
    this.parts.push(buffer);
    return this;
  }
  done = () => Buffer.concat(this.parts);
}

/** One synth definition: UGens in the order in which they run. */
export class SynthDef {
  #constants = [];
  #ugens = [];

  constructor(name) {
    this.name = name;
  }

  /** Adds an audio-rate UGen with one output (or none); answers a reference to its output. */
  ugen(type, inputs, { special = 0, outputs = 1 } = {}) {
    this.#ugens.push({ type, inputs: inputs.map((input) => this.#input(input)), special, outputs });
    return { ugen: this.#ugens.length - 1 };
  }

  add = (a, b) => this.ugen('BinaryOpUGen', [a, b], { special: binary.add });
  mul = (a, b) => this.ugen('BinaryOpUGen', [a, b], { special: binary.mul });
  mulAdd = (a, b, c) => this.ugen('MulAdd', [a, b, c]);
  tanh = (a) => this.ugen('UnaryOpUGen', [a], { special: unary.tanh });
  /** Adds signals four by four, as sclang does for a Mix. */
  sum(signals) {
    let left = signals;
    while (left.length > 1) {
      const next = [];
      for (let i = 0; i < left.length; i += 4) {
        const group = left.slice(i, i + 4);
        if (group.length === 1) next.push(group[0]);
        else if (group.length === 2) next.push(this.add(group[0], group[1]));
        else next.push(this.ugen(`Sum${group.length}`, group));
      }
      left = next;
    }
    return left[0];
  }
  out = (signals) => this.ugen('Out', [0, ...signals], { outputs: 0 });

  #input(input) {
    if (typeof input !== 'number') return [input.ugen, 0];
    if (!this.#constants.includes(input)) this.#constants.push(input);
    return [-1, this.#constants.indexOf(input)];
  }

  encode() {
    const bytes = new Bytes().raw(Buffer.from('SCgf')).int32(2).int16(1).name(this.name);
    bytes.int32(this.#constants.length);
    for (const value of this.#constants) bytes.float(value);
    // No parameters, no names of parameters.
    bytes.int32(0).int32(0).int32(this.#ugens.length);
    for (const { type, inputs, special, outputs } of this.#ugens) {
      bytes.name(type).int8(rates.audio).int32(inputs.length).int32(outputs).int16(special);
      for (const [ugen, index] of inputs) bytes.int32(ugen).int32(index);
      for (let i = 0; i < outputs; i++) bytes.int8(rates.audio);
    }
    return bytes.int16(0).done();
  }
}

const padded = (buffer) => Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
const text = (value) => padded(Buffer.from(`${value}\0`));

function message(address, args) {
  const tags = args.map((arg) =>
    Buffer.isBuffer(arg) ? 'b' : typeof arg === 'string' ? 's' : 'i',
  );
  const bytes = new Bytes().raw(text(address)).raw(text(`,${tags.join('')}`));
  for (const arg of args) {
    if (Buffer.isBuffer(arg)) bytes.int32(arg.length).raw(padded(arg));
    else if (typeof arg === 'string') bytes.raw(text(arg));
    else bytes.int32(arg);
  }
  return bytes.done();
}

function bundle(seconds, messages) {
  const bytes = new Bytes().raw(text('#bundle')).int32(Math.floor(seconds));
  bytes.int32(Math.floor((seconds % 1) * 2 ** 32) | 0);
  for (const one of messages) bytes.int32(one.length).raw(one);
  return bytes.done();
}

/** A score that plays one synth of each definition from 0 to `seconds`. */
export function score(definitions, seconds) {
  const bundles = [
    ...definitions.map((definition) => bundle(0, [message('/d_recv', [definition.encode()])])),
    bundle(
      0,
      definitions.map(({ name }, i) => message('/s_new', [name, 1000 + i, 1, 0])),
    ),
    bundle(seconds, [message('/c_set', [0, 0])]),
  ];
  const bytes = new Bytes();
  for (const one of bundles) bytes.int32(one.length).raw(one);
  return bytes.done();
}
