import { closeSync, ftruncateSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import { TenutoError } from '../errors.js';
import { errno } from './libc.js';
import {
  createSharedMemory,
  fileBytes,
  lockRegion,
  mapShared,
  openReadOnly,
  openSharedMemory,
  sealAll,
  sealFutureWrite,
  sealSize,
  seals,
  sealsOf,
} from './shared-memory.js';

const bytes = 64 * 1024;
const open: number[] = [];

function create(size = bytes): number {
  const fd = createSharedMemory({ name: 'test', bytes: size });
  open.push(fd);
  return fd;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TenutoError) return `${error.code} ${(error.cause as Error).message}`;
    throw error;
  }
  return 'none';
}

afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
});

test('two mappings of one memory see each other, and all of it is zero at first', () => {
  const fd = create();
  expect(fileBytes(fd)).toBe(bytes);
  const a = mapShared(fd, bytes, { writable: true });
  const b = mapShared(fd, bytes);
  expect(a.address % 4096).toBe(0);
  expect(a.address).not.toBe(b.address);
  const words = new Int32Array(b.buffer);
  expect(words.every((word) => word === 0)).toBe(true);
  Atomics.store(new Int32Array(a.buffer), 1000, -7);
  expect(Atomics.load(words, 1000)).toBe(-7);
  a.unmap();
  expect(Atomics.load(words, 1000)).toBe(-7);
  b.unmap();
});

test('another process that inherits the descriptor shares the memory, atomically', async () => {
  const fd = create();
  const mapping = mapShared(fd, bytes, { writable: true, populate: true });
  const words = new Int32Array(mapping.buffer);
  const add = `
    const words = new Int32Array(os.mapShared(3, os.fileBytes(3), { writable: true }).buffer);
    for (let i = 0; i < 200000; i++) Atomics.add(words, 5, 1);
  `;
  const processes = [0, 1].map(() => new ModuleProcess(add, { descriptors: [fd] }));
  expect(await Promise.all(processes.map((one) => one.ended))).toEqual([0, 0]);
  expect(Atomics.load(words, 5)).toBe(400000);
  mapping.unmap();
});

test('another process can be reached through its pid, for reading only or for both', async () => {
  const owner = new ModuleProcess(`
    const fd = os.createSharedMemory({ name: 'owned', bytes: 4096 });
    const words = new Int32Array(os.mapShared(fd, 4096, { writable: true }).buffer);
    words[0] = 42;
    console.log(fd);
    process.stdin.once('data', () => { console.log(words[1]); process.exit(0); });
  `);
  const fd = Number(await owner.line());
  const both = openSharedMemory({ pid: owner.pid, fd, writable: true });
  const reading = openSharedMemory({ pid: owner.pid, fd });
  open.push(both, reading);
  const mapping = mapShared(both, 4096, { writable: true });
  const words = new Int32Array(mapping.buffer);
  expect(words[0]).toBe(42);
  words[1] = 43;
  expect(codeOf(() => mapShared(reading, 4096, { writable: true }))).toContain('EACCES');
  owner.tell('end');
  expect(await owner.line()).toBe('43');
  await owner.ended;
  expect(words[0]).toBe(42);
  expect(codeOf(() => openSharedMemory({ pid: owner.pid, fd }))).toMatch(/TENUTO_SYSTEM.*ENOENT/);
  mapping.unmap();
});

test('arrays that outlive their mapping read zeros, write nowhere and crash nothing', () => {
  const fd = create();
  const mapping = mapShared(fd, bytes, { writable: true });
  const kept = mapShared(fd, bytes);
  const words = new Int32Array(mapping.buffer);
  words[9] = 1;
  mapping.unmap();
  mapping.unmap();
  expect(words[9]).toBe(0);
  words[9] = 5;
  expect(new Int32Array(kept.buffer)[9]).toBe(1);
  kept.unmap();
  expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain('memfd:test');
});

test('addresses of mappings that nobody can reach any more are given back', async () => {
  const program = new ModuleProcess(
    `
    import { readFileSync } from 'node:fs';
    const isMapped = (address) => readFileSync('/proc/self/maps', 'latin1')
      .includes(address.toString(16).padStart(12, '0') + '-');
    const fd = os.createSharedMemory({ name: 'x', bytes: 8192 });
    // Neighbours that are alike would be one line of the table: every other one stays.
    let held = [];
    for (let i = 0; i < 40; i++) held.push(os.mapShared(fd, 8192, { writable: i % 2 === 0 }));
    const retired = held.filter((_, i) => i % 2 === 0).map((mapping) => mapping.address);
    const kept = held.filter((_, i) => i % 2 === 1);
    for (let i = 0; i < 40; i += 2) held[i].unmap();
    const reserved = retired.every(isMapped);
    held = [];
    while (retired.some(isMapped)) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(JSON.stringify([reserved, kept.every((mapping) => isMapped(mapping.address))]));
    `,
    { nodeFlags: ['--expose-gc'] },
  );
  expect(await program.json()).toEqual([true, true]);
});

test('seals: the size, later writers, everything', () => {
  const sized = create();
  sealSize(sized);
  expect(sealsOf(sized) & (seals.grow | seals.shrink)).toBe(seals.grow | seals.shrink);
  expect(() => ftruncateSync(sized, 2 * bytes)).toThrow('EPERM');
  expect(() => ftruncateSync(sized, 1)).toThrow('EPERM');

  const fenced = create();
  const writer = mapShared(fenced, bytes, { writable: true });
  expect(codeOf(() => sealAll(fenced))).toContain('EBUSY');
  sealFutureWrite(fenced);
  expect(codeOf(() => mapShared(fenced, bytes, { writable: true }))).toMatch(
    /TENUTO_PERMISSION.*EPERM/,
  );
  const reader = mapShared(fenced, bytes);
  new Int32Array(writer.buffer)[0] = 8;
  expect(new Int32Array(reader.buffer)[0]).toBe(8);
  writer.unmap();
  sealAll(fenced);
  expect(codeOf(() => sealFutureWrite(fenced))).toContain('EPERM');
  reader.unmap();
});

test('a descriptor for reading only cannot be mapped writable', () => {
  const fd = create();
  const reading = openReadOnly(fd);
  open.push(reading);
  expect(codeOf(() => mapShared(reading, bytes, { writable: true }))).toMatch(
    /TENUTO_PERMISSION.*EACCES/,
  );
  mapShared(reading, bytes).unmap();
});

test('what cannot be had is refused with the name of the call', () => {
  expect(codeOf(() => mapShared(create(), 2 ** 47))).toMatch(/TENUTO_SYSTEM mmap.*ENOMEM/);
  expect(codeOf(() => createSharedMemory({ name: 'x'.repeat(300), bytes: 1 }))).toMatch(
    /memfd_create\(2\) failed with EINVAL/,
  );
  expect(codeOf(() => mapShared(-1, 4096))).toMatch(/TENUTO_SYSTEM mmap\(2\) failed with EBADF/);
  expect(() => mapShared(create(), 0)).toThrow('assertion failed');
  expect(() => createSharedMemory({ name: 'x', bytes: 1.5 })).toThrow('assertion failed');
  expect(codeOf(() => sealSize(-1))).toContain('EBADF');
});

test('a region is locked, or the reason is returned', () => {
  const mapping = mapShared(create(), bytes, { writable: true });
  const locked = (): number => {
    const line = /^VmLck:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return Number(line?.[1]);
  };
  const before = locked();
  const result = lockRegion(mapping.address, bytes);
  if (result === 0) expect(locked() - before).toBe(bytes / 1024);
  else expect([-errno.EPERM, -errno.ENOMEM]).toContain(result);
  expect(lockRegion(4096, 4096)).toBe(-errno.ENOMEM);
  mapping.unmap();
  expect(locked()).toBe(before);
});

test('an inherited descriptor goes no further than to the child it was handed to', async () => {
  const fd = create();
  const program = new ModuleProcess(
    `
    import { readlinkSync } from 'node:fs';
    import { spawnSync } from 'node:child_process';
    const { stdout } = spawnSync('readlink', ['/proc/self/fd/3'], { encoding: 'utf8' });
    const own = readlinkSync('/proc/self/fd/3');
    console.log(JSON.stringify([own.includes('memfd:test'), stdout.includes('memfd:test')]));
    `,
    { descriptors: [fd] },
  );
  expect(await program.json()).toEqual([true, false]);
});
