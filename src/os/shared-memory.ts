import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { assert } from '../errors.js';
import { errno, lastErrno, libc, memory, systemError, viewMemory } from './libc.js';

/** Anonymous memory that several processes share, reached by descriptor. */

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;

const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** The seals of memfd, as fcntl(2) numbers them. */
export const seals = { seal: 1, shrink: 2, grow: 4, write: 8, futureWrite: 16 } as const;

/** Memory that is mapped into this process. */
export interface Mapping {
  /** Where it begins: a multiple of the page size. */
  readonly address: number;
  /** Its size as asked for, in bytes. */
  readonly bytes: number;
  /**
   * The same memory for typed arrays. Writing to a mapping that was not made writable ends the
   * process (SIGSEGV). Posting it to a worker copies it: each thread maps for itself.
   */
  readonly buffer: ArrayBuffer;
  /**
   * Gives the memory back, munmap(2). Idempotent. Arrays over `buffer` that are still held then
   * read zeros and write to nowhere, and never reach memory that was mapped later.
   */
  unmap(): void;
}

/**
 * Makes zeroed anonymous memory that lives as long as a descriptor or a mapping of it, see
 * memfd_create(2). It can be sealed and is closed on exec; hand it to a child by `stdio`, where it
 * goes no further, as Node closes inherited descriptors on exec too.
 *
 * @param options.name - shown in /proc/PID/maps, at most 249 bytes, need not be unique
 * @param options.bytes - the size; rounded up to whole pages by the kernel when it is mapped
 * @returns the descriptor, which the caller closes
 * @throws TenutoError TENUTO_SYSTEM when memory or descriptors are exhausted
 */
export function createSharedMemory(options: { name: string; bytes: number }): number {
  const { name, bytes } = options;
  assert(Number.isSafeInteger(bytes) && bytes > 0, 'shared memory has a size');
  // Kernels from 6.3 on can be told to refuse memory that could be executed; older ones do not
  // know the flag and say EINVAL.
  let fd = libc.memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd === -1 && lastErrno() === errno.EINVAL) {
    fd = libc.memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (fd === -1) throw systemError('memfd_create(2)');
  try {
    ftruncateSync(fd, bytes);
  } catch (cause) {
    closeSync(fd);
    const error = (cause as NodeJS.ErrnoException).errno ?? -errno.EIO;
    throw systemError('ftruncate(2)', -error);
  }
  return fd;
}

/** Address ranges that were unmapped are held until no array can reach them any more. */
const retired = new FinalizationRegistry<{ address: number; bytes: number }>((range) => {
  libc.munmap(range.address, range.bytes);
});

function retire(mapping: { address: number; bytes: number; buffer: ArrayBuffer }): void {
  const { address, bytes, buffer } = mapping;
  // Node 20 cannot detach a foreign buffer. Unmapping its pages would let a forgotten array crash
  // the process, or reach whatever is mapped there next. So the range is replaced by empty
  // private pages, which cost no memory, until the buffer has been collected.
  const at = libc.mmap(
    address,
    bytes,
    memory.read | memory.write,
    memory.private | memory.anonymous | memory.noReserve | memory.fixed,
    -1,
    0,
  );
  if (at === -1) throw systemError('mmap(2)');
  retired.register(buffer, { address, bytes });
}

/**
 * Maps shared memory into this process, mmap(2) with MAP_SHARED.
 *
 * @param fd - from createSharedMemory, inherited, or opened; may be closed afterwards
 * @param bytes - at most fileBytes(fd): touching what lies behind the end raises SIGBUS
 * @param options.writable - default false
 * @param options.populate - fault all pages in now, so that no later access has to; default false
 * @throws TenutoError TENUTO_PERMISSION when the descriptor or a seal allows reading only,
 *   TENUTO_SYSTEM otherwise
 */
export function mapShared(
  fd: number,
  bytes: number,
  options: { writable?: boolean; populate?: boolean } = {},
): Mapping {
  assert(Number.isSafeInteger(bytes) && bytes > 0, 'a mapping has a size');
  const protection = memory.read | (options.writable ? memory.write : 0);
  const flags = memory.shared | (options.populate ? memory.populate : 0);
  const address = libc.mmap(0, bytes, protection, flags, fd, 0);
  if (address === -1) throw systemError('mmap(2)');
  const buffer = viewMemory(address, bytes);
  let mapped = true;
  return {
    address,
    bytes,
    buffer,
    unmap(): void {
      if (!mapped) return;
      mapped = false;
      retire({ address, bytes, buffer });
    },
  };
}

/**
 * Gives pages of shared memory back to the system: they then hold zeros, in every mapping, and cost
 * nothing until somebody writes there. fallocate(2) FALLOC_FL_PUNCH_HOLE.
 *
 * @param offset - a multiple of the page size, like `bytes`
 */
export function releasePages(fd: number, offset: number, bytes: number): void {
  const mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
  if (libc.fallocate(fd, mode, offset, bytes) === -1) throw systemError('fallocate(2)');
}

/** The size of a file or of shared memory in bytes, fstat(2). */
export function fileBytes(fd: number): number {
  return fstatSync(fd).size;
}

function addSeals(fd: number, mask: number): void {
  if (libc.fcntl(fd, F_ADD_SEALS, mask) === -1) throw systemError('fcntl(2) F_ADD_SEALS');
}

/** The seals that are set, a sum of `seals`, fcntl(2) F_GET_SEALS. */
export function sealsOf(fd: number): number {
  const mask = libc.fcntl(fd, F_GET_SEALS, 0);
  if (mask === -1) throw systemError('fcntl(2) F_GET_SEALS');
  return mask;
}

/** Fixes the size for good, so that no process can make another run into SIGBUS. fcntl(2). */
export function sealSize(fd: number): void {
  addSeals(fd, seals.shrink | seals.grow);
}

/**
 * Refuses every later writable mapping and write(2), by anybody, this process included; writable
 * mappings that exist stay. A process that starts later and has to write cannot map it any more:
 * where that is needed give readers a descriptor from openReadOnly instead. fcntl(2).
 */
export function sealFutureWrite(fd: number): void {
  addSeals(fd, seals.futureWrite);
}

/**
 * Makes the content constant for good: size, content and the seals themselves. fcntl(2).
 *
 * @throws TenutoError TENUTO_SYSTEM (EBUSY) while any writable mapping exists
 */
export function sealAll(fd: number): void {
  addSeals(fd, seals.shrink | seals.grow | seals.write | seals.seal);
}

/**
 * Opens the same memory once more, for reading only: nobody can map this descriptor writable. It
 * fences mistakes, not malice, as a process of the same user can open the memory through
 * /proc/PID/fd again. See proc_pid_fd(5).
 */
export function openReadOnly(fd: number): number {
  return openSharedMemory({ pid: process.pid, fd });
}

/**
 * Opens memory that another process of this user holds, by way of /proc/PID/fd, proc_pid_fd(5).
 *
 * @throws TenutoError TENUTO_PERMISSION for another user's process, TENUTO_SYSTEM when the process
 *   or its descriptor is gone
 */
export function openSharedMemory(at: { pid: number; fd: number; writable?: boolean }): number {
  const flags = at.writable ? constants.O_RDWR : constants.O_RDONLY;
  try {
    return openSync(`/proc/${at.pid}/fd/${at.fd}`, flags);
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).errno ?? -errno.EIO;
    throw systemError(`open(2) of descriptor ${at.fd} of process ${at.pid}`, -error);
  }
}

/**
 * Keeps a region in memory, mlock(2), so that no access waits for a page. The whole process is
 * never locked (mlockall): V8 reserves address space that cannot be, and aborts.
 *
 * @returns 0, or -errno: -EPERM or -ENOMEM when RLIMIT_MEMLOCK is too small
 */
export function lockRegion(address: number, bytes: number): number {
  return libc.mlock(address, bytes) === 0 ? 0 : -lastErrno();
}
