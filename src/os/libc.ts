import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { TenutoError } from '../errors.js';

/**
 * The C library and the kernel behind it: every foreign call of Tenuto is declared here.
 *
 * Pointers and sizes are declared as `long`, so that they travel as plain numbers (user addresses
 * are below 2^47) and a call allocates nothing. But a number that does not fit 32 bits, and was just
 * computed or read from a field, is boxed by V8 for the call (16 bytes): on the audio thread keep
 * each address in a `const` of the module, the function or a closure.
 */

const machine = process.arch;
if (process.platform !== 'linux' || (machine !== 'x64' && machine !== 'arm64')) {
  throw new TenutoError(
    'TENUTO_SYSTEM',
    `Tenuto runs on 64-bit Linux (x64 or arm64), not on ${process.platform} ${machine}`,
  );
}

/** System call numbers: asm/unistd_64.h on x64, asm-generic/unistd.h on arm64. */
const syscallTable = {
  x64: { futex: 202, gettid: 186, pidfdSendSignal: 424, pidfdOpen: 434 },
  arm64: { futex: 98, gettid: 178, pidfdSendSignal: 424, pidfdOpen: 434 },
} as const;

/** The numbers of the calls that the C library does not wrap, for this machine. See syscalls(2). */
export const syscallNumbers = syscallTable[machine];

function loadLibrary(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libc.so.6');
  } catch (cause) {
    throw new TenutoError(
      'TENUTO_SYSTEM',
      'cannot load libc.so.6: Tenuto needs the GNU C library',
      {
        cause,
      },
    );
  }
}

const library = loadLibrary();

type Long = number;
type Syscall = (number: Long, a: Long, b: Long, c: Long, d: Long, e: Long, f: Long) => number;

/** syscall(2). Returns -1 and sets errno on failure. */
export const syscall: Syscall = library.func(
  'long syscall(long, long, long, long, long, long, long)',
);

/** The functions of the C library that Tenuto calls; each is in section 2 of the manual. */
export const libc = {
  mmap: library.func('long mmap(long, long, int, int, int, long)') as (
    address: Long,
    bytes: Long,
    protection: number,
    flags: number,
    fd: number,
    offset: Long,
  ) => number,
  munmap: library.func('int munmap(long, long)') as (address: Long, bytes: Long) => number,
  mlock: library.func('int mlock(long, long)') as (address: Long, bytes: Long) => number,
  memfdCreate: library.func('int memfd_create(str, uint)') as (
    name: string,
    flags: number,
  ) => number,
  fallocate: library.func('int fallocate(int, int, long, long)') as (
    fd: number,
    mode: number,
    offset: Long,
    bytes: Long,
  ) => number,
  fcntl: library.func('int fcntl(int, int, long)') as (
    fd: number,
    command: number,
    argument: Long,
  ) => number,
  clockGettime: library.func('int clock_gettime(int, long)') as (
    clock: number,
    timespec: Long,
  ) => number,
  clockNanosleep: library.func('int clock_nanosleep(int, int, long, long)') as (
    clock: number,
    flags: number,
    request: Long,
    remain: Long,
  ) => number,
  schedGetscheduler: library.func('int sched_getscheduler(int)') as (pid: number) => number,
  schedSetscheduler: library.func('int sched_setscheduler(int, int, long)') as (
    pid: number,
    policy: number,
    parameter: Long,
  ) => number,
  setpriority: library.func('int setpriority(int, int, int)') as (
    which: number,
    who: number,
    nice: number,
  ) => number,
  prlimit: library.func('int prlimit(int, int, long, long)') as (
    pid: number,
    resource: number,
    next: Long,
    previous: Long,
  ) => number,
  prctl: library.func('int prctl(int, long, long, long, long)') as (
    option: number,
    a: Long,
    b: Long,
    c: Long,
    d: Long,
  ) => number,
  getppid: library.func('int getppid()') as () => number,
  kill: library.func('int kill(int, int)') as (pid: number, signal: number) => number,
  signal: library.func('long signal(int, long)') as (signal: number, handler: Long) => number,
  socket: library.func('int socket(int, int, int)') as (
    domain: number,
    type: number,
    protocol: number,
  ) => number,
  bind: library.func('int bind(int, long, uint)') as (
    fd: number,
    address: Long,
    bytes: number,
  ) => number,
  sendto: library.func('long sendto(int, long, long, int, long, uint)') as (
    fd: number,
    message: Long,
    bytes: Long,
    flags: number,
    address: Long,
    addressBytes: number,
  ) => number,
  setsockopt: library.func('int setsockopt(int, int, int, long, uint)') as (
    fd: number,
    level: number,
    name: number,
    value: Long,
    length: number,
  ) => number,
  getsockopt: library.func('int getsockopt(int, int, int, long, long)') as (
    fd: number,
    level: number,
    option: number,
    value: Long,
    bytes: Long,
  ) => number,
  strnlen: library.func('long strnlen(long, long)') as (text: Long, bytesMax: number) => number,
  free: library.func('void free(long)') as (address: Long) => void,
  sysconf: library.func('long sysconf(int)') as (name: number) => number,
};

/** The C name of prctl's thread name argument is a pointer, so this form takes a string. */
export const prctlText: (option: number, text: string, b: Long, c: Long, d: Long) => number =
  library.func('int prctl(int, str, long, long, long)');

/** Error numbers by name, as errno(3) has them: `errno.EAGAIN`. Positive. */
export const errno = constants.errno;

/** The error number of this thread's last failed call. Allocates nothing. */
export const lastErrno: () => number = koffi.errno;

/** The name of an error number (positive or negative): `EPERM`. */
export function errnoName(error: number): string {
  return getSystemErrorName(-Math.abs(error));
}

/**
 * Makes the error for a failed call of the set-up path. To be called at once, as the next call may
 * overwrite errno.
 *
 * @param call - the call's name with the manual's section, `mmap(2)`
 * @param error - the error number, by default the last one of this thread
 */
export function systemError(call: string, error = lastErrno()): TenutoError {
  const name = errnoName(error);
  const denied = error === errno.EPERM || error === errno.EACCES;
  const code = denied ? 'TENUTO_PERMISSION' : 'TENUTO_SYSTEM';
  const cause = Object.assign(new Error(`${call} failed with ${name}`), {
    errno: error,
    code: name,
  });
  return new TenutoError(code, `${call} failed with ${name}`, { cause });
}

/** Makes an ArrayBuffer over memory that is mapped already. Not for the audio thread. */
export function viewMemory(address: number, bytes: number): ArrayBuffer {
  return koffi.view(address, bytes);
}

/** mmap(2) flags and protections, the same on x64 and arm64. */
export const memory = {
  read: 1,
  write: 2,
  shared: 0x01,
  private: 0x02,
  fixed: 0x10,
  anonymous: 0x20,
  noReserve: 0x4000,
  populate: 0x8000,
} as const;

const scratchBytes = 4096;
const scratchAddress = libc.mmap(
  0,
  scratchBytes,
  memory.read | memory.write,
  memory.private | memory.anonymous,
  -1,
  0,
);
if (scratchAddress === -1) throw systemError('mmap(2)');
const scratchBuffer = viewMemory(scratchAddress, scratchBytes);

/**
 * Memory that is reserved once for what calls read and write through pointers, so that no call
 * allocates. Each thread loads this module for itself and so has its own. The first three areas
 * belong to one kind of hot call each; `setUp` is for all others, which finish with it before they
 * return.
 */
export const scratch = {
  clock: { address: scratchAddress, words: new Int32Array(scratchBuffer, 0, 4) },
  sleep: { address: scratchAddress + 16, words: new Int32Array(scratchBuffer, 16, 4) },
  futex: { address: scratchAddress + 32, words: new Int32Array(scratchBuffer, 32, 4) },
  setUp: { address: scratchAddress + 64, bytes: new Uint8Array(scratchBuffer, 64, 512) },
} as const;
