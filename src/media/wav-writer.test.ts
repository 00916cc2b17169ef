import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { audioFolder, encode, joinBlocks } from '../../test/kit/audio-files.js';
import { TenutoError } from '../errors.js';
import { interleave } from '../pcm/index.js';
import { openDecoder } from './decoder.js';
import { wavHeaderBytes } from './wav-format.js';
import { WavWriter } from './wav-writer.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
beforeAll(async () => {
  folder = await audioFolder();
});
afterAll(() => folder.remove());

let made = 0;
const newPath = () => join(folder.path, `${++made}.wav`);

/** Samples that name their place, so that any loss or shift shows. */
function numbered(from: number, frames: number, channels: number): Float32Array {
  return Float32Array.from(
    { length: frames * channels },
    (_, i) => (from * channels + i) / 2 ** 24,
  );
}

async function readBack(path: string): Promise<Float32Array> {
  const decoder = await openDecoder(path);
  const blocks: Float32Array[][] = [];
  for (let block = await decoder.read(); block; block = await decoder.read()) blocks.push(block);
  expect(decoder.errors).toBe(0);
  await decoder.close();
  return interleave(joinBlocks(blocks, decoder.channels));
}

/** The sizes in the header agree with each other and claim no more than there is. */
function checkSizes(path: string, channels: number): void {
  const file = readFileSync(path);
  const header = wavHeaderBytes(channels);
  expect(file.toString('latin1', 0, 4)).toBe('RIFF');
  const data = file.readUInt32LE(header - 4);
  expect(file.toString('latin1', header - 8, header - 4)).toBe('data');
  expect(file.readUInt32LE(4)).toBe(header - 8 + data);
  expect(file.readUInt32LE(header - 12) * channels * 4).toBe(data);
  expect(header + data).toBeLessThanOrEqual(file.length);
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof TenutoError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('WavWriter', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'writes %d channels that come back bit for bit',
    async (channels) => {
      const path = newPath();
      const writer = WavWriter.create(path, { rate: 48_000, channels });
      const samples = numbered(0, 5000, channels);
      writer.append(samples.subarray(0, 100 * channels));
      writer.append(samples.subarray(100 * channels), 4000);
      writer.append(samples.subarray(4100 * channels));
      expect(writer.framesWritten).toBe(5000);
      writer.close();
      checkSizes(path, channels);
      expect(await readBack(path)).toEqual(samples);
    },
  );

  it.each([1, 2, 3])('writes %d channels of 16 bits, and goes on with them', async (channels) => {
    const path = newPath();
    const format = { rate: 16_000, channels, samples: 's16' } as const;
    const samples = Int16Array.from({ length: 3000 * channels }, (_, i) => (i * 7919) % 32_768);
    const writer = WavWriter.create(path, format);
    writer.append(samples.subarray(0, 1000 * channels));
    writer.close();
    expect(codeOf(() => WavWriter.resume(path, { rate: 16_000, channels }))).toBe(
      'TENUTO_RECORD_FAILED',
    );
    const next = WavWriter.resume(path, format);
    expect(next.framesWritten).toBe(1000);
    next.append(samples.subarray(1000 * channels));
    next.close();
    expect(statSync(path).size).toBe(wavHeaderBytes(channels) + 2 * samples.length);
    const read = execFileSync('sox', [path, '-t', 's16', '-']);
    expect(new Int16Array(Uint8Array.from(read).buffer)).toEqual(samples);
  });

  it.each([1, 2, 6, 8])('writes %d channels that other programs read', async (channels) => {
    const path = newPath();
    const samples = numbered(0, 1000, channels);
    const writer = WavWriter.create(path, { rate: 44_100, channels });
    writer.append(samples);
    writer.close();
    const raw = newPath();
    await encode('sox', ['-V1', path, '-t', 'raw', '-e', 'floating-point', '-b', '32', raw]);
    expect(readFileSync(raw).equals(Buffer.from(samples.buffer))).toBe(true);
    expect((await encode('sox', ['--i', '-c', path])).trim()).toBe(`${channels}`);
  });

  it('makes equal files of equal samples, whatever the pieces', () => {
    const paths = [newPath(), newPath()];
    const samples = numbered(0, 3000, 2);
    for (const [i, path] of paths.entries()) {
      const writer = WavWriter.create(path, { rate: 48_000, channels: 2 });
      const piece = 2 * (i === 0 ? 3000 : 128);
      for (let at = 0; at < samples.length; at += piece)
        writer.append(samples.subarray(at, at + piece));
      if (i === 1) writer.sync();
      writer.close();
      writer.close();
    }
    expect(readFileSync(paths[0]!).equals(readFileSync(paths[1]!))).toBe(true);
  });

  it('has a right header after every append', () => {
    const path = newPath();
    const writer = WavWriter.create(path, { rate: 48_000, channels: 2 });
    checkSizes(path, 2);
    for (let i = 0; i < 20; i++) {
      writer.append(numbered(i * 128, 128, 2));
      checkSizes(path, 2);
      expect(statSync(path).size).toBe(wavHeaderBytes(2) + (i + 1) * 128 * 8);
    }
    writer.close();
  });

  it('takes samples from shared memory', async () => {
    const path = newPath();
    const shared = new Float32Array(new SharedArrayBuffer(64));
    shared.fill(0.25);
    const writer = WavWriter.create(path, { rate: 48_000, channels: 2 });
    writer.append(shared);
    writer.close();
    expect(await readBack(path)).toEqual(new Float32Array(16).fill(0.25));
  });

  it('becomes RF64 in place when it grows beyond its limit', async () => {
    const path = newPath();
    const riffBytesMax = 1000;
    const writer = WavWriter.create(path, { rate: 48_000, channels: 2, riffBytesMax });
    writer.append(numbered(0, 100, 2));
    expect(readFileSync(path).toString('latin1', 0, 4)).toBe('RIFF');
    writer.append(numbered(100, 100, 2));
    writer.close();
    const file = readFileSync(path);
    expect(file.toString('latin1', 0, 4)).toBe('RF64');
    expect(file.readUInt32LE(4)).toBe(0xffff_ffff);
    expect(file.toString('latin1', 12, 16)).toBe('ds64');
    expect(Number(file.readBigUInt64LE(20))).toBe(file.length - 8);
    expect(Number(file.readBigUInt64LE(28))).toBe(200 * 8);
    expect(Number(file.readBigUInt64LE(36))).toBe(200);
    expect(await readBack(path)).toEqual(numbered(0, 200, 2));
  });

  it('goes on past 4 GiB in a sparse file', async () => {
    const path = newPath();
    WavWriter.create(path, { rate: 48_000, channels: 2 }).close();
    const frames = 2 ** 29 - 20;
    truncateSync(path, wavHeaderBytes(2) + frames * 8);
    const writer = WavWriter.resume(path);
    expect(writer.framesWritten).toBe(frames);
    writer.append(numbered(0, 1000, 2));
    writer.close();
    const decoder = await openDecoder(path);
    expect(decoder.frames).toBe(frames + 1000);
    await decoder.close();
    expect(statSync(path).size).toBeGreaterThan(2 ** 32);
    expect(execFileSync('head', ['-c', '4', path]).toString()).toBe('RF64');
  });

  it('keeps all that a kill -9 at any moment leaves, and goes on', async () => {
    const script = compiledWriter();
    const path = newPath();
    let expected = 0;
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [script, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      // It prints after some appends and writes on; where the kill meets it is up to the machine.
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
      checkSizes(path, 3);
      const samples = await readBack(path);
      expect(samples.length / 3).toBeGreaterThanOrEqual(expected + 100);
      expect(samples).toEqual(numbered(0, samples.length / 3, 3));
      expected = samples.length / 3;
    }
  });

  it('drops a frame that is torn at the end', () => {
    const path = newPath();
    const writer = WavWriter.create(path, { rate: 48_000, channels: 2 });
    writer.append(numbered(0, 10, 2));
    writer.close();
    writeFileSync(path, new Uint8Array(13), { flag: 'a' });
    const resumed = WavWriter.resume(path, { rate: 48_000, channels: 2 });
    expect(resumed.framesWritten).toBe(11);
    resumed.close();
    expect(statSync(path).size).toBe(wavHeaderBytes(2) + 11 * 8);
    checkSizes(path, 2);
  });

  it('resumes RF64, and a file of which only the name was made', () => {
    const path = newPath();
    const options = { rate: 48_000, channels: 2, riffBytesMax: 500 };
    const writer = WavWriter.create(path, options);
    writer.append(numbered(0, 100, 2));
    writer.close();
    const resumed = WavWriter.resume(path, options);
    resumed.append(numbered(100, 100, 2));
    resumed.close();
    const whole = newPath();
    const other = WavWriter.create(whole, options);
    other.append(numbered(0, 200, 2));
    other.close();
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);

    const empty = newPath();
    writeFileSync(empty, '');
    expect(codeOf(() => WavWriter.resume(empty))).toBe('TENUTO_RECORD_FAILED');
    WavWriter.resume(empty, options).close();
    expect(statSync(empty).size).toBe(wavHeaderBytes(2));
  });

  it('refuses what it did not make, and leaves it alone', () => {
    const ours = newPath();
    WavWriter.create(ours, { rate: 48_000, channels: 2 }).close();
    const cut = readFileSync(ours).subarray(0, 50);
    const wrong = Buffer.from(readFileSync(ours));
    wrong.writeUInt16LE(1, 56);
    for (const content of [Buffer.from('some text of someone'), cut, wrong, Buffer.alloc(500)]) {
      const path = newPath();
      writeFileSync(path, content);
      expect(codeOf(() => WavWriter.resume(path))).toBe('TENUTO_RECORD_FAILED');
      expect(readFileSync(path).equals(content)).toBe(true);
    }
    const others = { rate: 44_100, channels: 2 };
    expect(codeOf(() => WavWriter.resume(ours, others))).toBe('TENUTO_RECORD_FAILED');
    expect(codeOf(() => WavWriter.resume(newPath()))).toBe('TENUTO_RECORD_FAILED');
    const options = { rate: 48_000, channels: 2 };
    expect(codeOf(() => WavWriter.create(folder.path, options))).toBe('TENUTO_RECORD_FAILED');
    const missing = join(folder.path, 'missing', 'a.wav');
    expect(codeOf(() => WavWriter.create(missing, options))).toBe('TENUTO_RECORD_FAILED');
    expect(codeOf(() => WavWriter.create('/dev/full', options))).toBe('TENUTO_RECORD_FAILED');
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
    const closed = WavWriter.create(newPath(), options);
    closed.close();
    expect(() => closed.append(new Float32Array(2))).toThrow('the writer is open');
    expect(() => closed.sync()).toThrow('the writer is open');
  });

  it.each([smallDisk, fileSizeLimit])(
    'ends with the last whole frame when there is no more room, and goes on when there is: %o',
    async (makeScarce) => {
      const { folder: disk, fill, relieve, code } = makeScarce();
      const path = join(disk, `${++made}.wav`);
      const writer = WavWriter.create(path, { rate: 48_000, channels: 3 });
      fill(300_001);
      let failed: unknown;
      for (let i = 0; i < 1000 && !failed; i++) {
        try {
          writer.append(numbered(i * 500, 500, 3));
        } catch (error) {
          failed = error;
        }
      }
      expect(failed).toBeInstanceOf(TenutoError);
      expect((failed as TenutoError).code).toBe('TENUTO_RECORD_FAILED');
      expect((failed as TenutoError).cause).toMatchObject({ code });
      const frames = writer.framesWritten;
      expect(frames).toBeGreaterThan(20_000);
      checkSizes(path, 3);
      expect(statSync(path).size).toBe(wavHeaderBytes(3) + frames * 12);
      expect(await readBack(path)).toEqual(numbered(0, frames, 3));

      relieve();
      writer.append(numbered(frames, 1000, 3));
      writer.close();
      expect(await readBack(path)).toEqual(numbered(0, frames + 1000, 3));
    },
  );

  it.each([smallDisk, fileSizeLimit])(
    'leaves nothing behind when there is no room for a beginning: %o',
    (makeScarce) => {
      const { folder: disk, fill, relieve } = makeScarce();
      fill(0);
      const path = join(disk, `${++made}.wav`);
      const options = { rate: 48_000, channels: 2 };
      expect(codeOf(() => WavWriter.create(path, options))).toBe('TENUTO_RECORD_FAILED');
      expect(() => statSync(path)).toThrow('ENOENT');
      relieve();
    },
  );
});

/** A place where room is scarce. */
interface Scarce {
  folder: string;
  /** Leaves room for so many bytes. */
  fill(roomBytes: number): void;
  relieve(): void;
  /** What the system says when there is none. */
  code: string;
}

/** A disk of 1 MiB that is gone after the test; the other way where nobody may mount one. */
function smallDisk(): Scarce {
  const disk = join(folder.path, `disk-${++made}`);
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return fileSizeLimit();
  }
  onTestFinished(() => void execFileSync('umount', [disk]));
  const filler = join(disk, 'filler');
  return {
    folder: disk,
    fill(roomBytes) {
      // What the file has already counts in whole pages.
      const bytes = 2 ** 20 - Math.ceil(roomBytes / 4096) * 4096;
      writeFileSync(filler, new Uint8Array(bytes - (roomBytes > 0 ? 4096 : 0)));
    },
    relieve: () => rmSync(filler),
    code: 'ENOSPC',
  };
}

/** No file of this process may grow beyond a size; everybody may limit himself. */
function fileSizeLimit(): Scarce {
  const limit = (size: string) => {
    execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${size}:`]);
  };
  const relieve = () => limit('unlimited');
  onTestFinished(relieve);
  return {
    folder: folder.path,
    fill: (roomBytes) => limit(`${roomBytes}`),
    relieve,
    code: 'EFBIG',
  };
}

/** A program that resumes the file with the writer as it is in the sources now, and never ends. */
function compiledWriter(): string {
  const target = join(folder.path, 'compiled');
  const sources = fileURLToPath(new URL('..', import.meta.url));
  for (const name of ['errors', 'limits', 'media/wav-format', 'media/wav-writer']) {
    const { outputText } = ts.transpileModule(readFileSync(join(sources, `${name}.ts`), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    const file = join(target, `${name}.js`);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, outputText);
  }
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }');
  const script = join(target, 'main.js');
  writeFileSync(
    script,
    `import { existsSync } from 'node:fs';
     import { WavWriter } from './media/wav-writer.js';
     const format = { rate: 48000, channels: 3 };
     const path = process.argv[2];
     const writer = existsSync(path) ? WavWriter.resume(path) : WavWriter.create(path, format);
     for (let i = 0; i < 2_000_000; i++) {
       const frames = 1 + (i % 257);
       const from = writer.framesWritten * 3;
       writer.append(Float32Array.from({ length: frames * 3 }, (_, k) => (from + k) / 2 ** 24));
       if (i === 20) process.stdout.write('going');
     }`,
  );
  return script;
}
