import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  becomeNormal,
  becomeRealtime,
  identity,
  listEngineSockets,
  memoryLockLimit,
  monotonicNs,
  realtimeAllowed,
  sleepUntilNs,
} from '../os/index.js';

/** One answer of `tenuto doctor`. */
export interface Check {
  readonly id: string;
  /** `warn`: it works, less well than it could; `fail`: it does not work. */
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was found, in one line. */
  readonly found: string;
  /** What to do about it; empty when nothing needs to be done. */
  readonly remedy: string;
}

/** Bytes that an engine of two replicas would like to lock, so that no page of it is ever away. */
const lockWantedBytes = 64 * 2 ** 20;

const ok = (id: string, found: string): Check => ({ id, level: 'ok', found, remedy: '' });
const warn = (id: string, found: string, remedy: string): Check => ({
  id,
  level: 'warn',
  found,
  remedy,
});
const fail = (id: string, found: string, remedy: string): Check => ({
  id,
  level: 'fail',
  found,
  remedy,
});

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const found = `Node ${process.versions.node} on ${process.arch}`;
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('node', found)
    : fail('node', found, 'Install Node 20.19 or newer.');
}

function checkRealtime(priority: number): Check {
  const { allowed, reason } = realtimeAllowed(priority);
  if (allowed) return ok('realtime', `SCHED_FIFO priority ${priority} is granted`);
  return warn(
    'realtime',
    `SCHED_FIFO is refused${reason === undefined ? '' : `: ${reason}`}`,
    'Put "@audio - rtprio 95" in /etc/security/limits.d/audio.conf, add yourself to the group ' +
      'audio (sudo usermod -aG audio $USER) and log in again; in a container add the capability SYS_NICE.',
  );
}

function checkMemoryLock(): Check {
  const bytes = memoryLockLimit();
  const found = Number.isFinite(bytes) ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : 'no limit';
  return bytes >= lockWantedBytes
    ? ok('memory-lock', found)
    : warn(
        'memory-lock',
        `${found}, ${lockWantedBytes / 2 ** 20} MiB are wanted`,
        'Put "@audio - memlock unlimited" in /etc/security/limits.d/audio.conf and log in again.',
      );
}

function checkClock(): Check {
  const source = read('/sys/devices/system/clocksource/clocksource0/current_clocksource');
  if (source === null) {
    return warn('clock', 'the clock source cannot be read', 'Mount /sys to have it checked.');
  }
  // Reading any other source leaves the process for the kernel, at a hundred times the cost.
  const quick = ['tsc', 'kvm-clock', 'hyperv_clocksource_tsc_page', 'arch_sys_counter'];
  return quick.includes(source)
    ? ok('clock', source)
    : warn('clock', `${source}, which is slow to read`, 'Start the kernel with clocksource=tsc.');
}

/** Sleeps 200 times for 1 ms and says how late the wake-ups came, in microseconds. */
function measureLatenessUs(): { median: number; p99: number; max: number } {
  const samples: number[] = [];
  let due = monotonicNs();
  for (let index = 0; index < 200; index++) {
    due = Math.max(due, monotonicNs()) + 1e6;
    sleepUntilNs(due);
    samples.push((monotonicNs() - due) / 1000);
  }
  samples.sort((a, b) => a - b);
  const at = (share: number) => Math.round(samples[Math.floor(share * samples.length)] ?? 0);
  return { median: at(0.5), p99: at(0.99), max: Math.round(samples.at(-1) ?? 0) };
}

function checkLateness(priority: number, leadUs: number): Check {
  const { policy } = becomeRealtime(priority);
  const { median, p99, max } = measureLatenessUs();
  becomeNormal();
  const found = `wake-ups late by ${median} µs (median), ${p99} µs (p99), ${max} µs (max), as ${policy}`;
  return max < leadUs / 2
    ? ok('timer', found)
    : warn(
        'timer',
        `${found}; the lead is ${Math.round(leadUs)} µs`,
        'Raise --lead, give real-time priority (above), or end what else loads this machine.',
      );
}

function checkGovernor(): Check {
  const governor = read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  if (governor === null) return ok('cpu-governor', 'none: the clock rate is fixed');
  return governor === 'performance'
    ? ok('cpu-governor', governor)
    : warn(
        'cpu-governor',
        governor,
        'For short leads: sudo cpupower frequency-set --governor performance',
      );
}

function checkLibasound(): Check {
  const folders = [
    ...(process.env.LD_LIBRARY_PATH?.split(':') ?? []),
    ...(['x64', 'arm64'].includes(process.arch)
      ? [`/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`]
      : []),
    '/usr/lib64',
    '/usr/lib',
    '/usr/local/lib',
  ];
  const found = folders
    .map((folder) => `${folder}/libasound.so.2`)
    .find((path) => existsSync(path));
  return found === undefined
    ? warn(
        'libasound',
        'not found: no sound card can be used, the virtual device can',
        'sudo apt-get install libasound2',
      )
    : ok('libasound', found);
}

interface EngineProcess {
  pid: number;
  engine: string;
  role: string;
}

/** Processes of this user that are named as an engine's are: `tenuto ENGINE ROLE`. */
function engineProcesses(): EngineProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const line = read(`/proc/${name}/cmdline`)?.split('\0', 1)[0] ?? '';
      const match = /^tenuto ([a-z0-9-]+) ([a-z]+)/.exec(line);
      return match?.[1] === undefined || match[2] === undefined
        ? []
        : [{ pid: Number(name), engine: match[1], role: match[2] }];
    });
}

/** What outlived its keeper: an engine that has one is running, not left over. */
function checkLeftovers(): Check {
  const processes = engineProcesses();
  const kept = new Set(processes.filter(({ role }) => role === 'keeper').map((p) => p.engine));
  const orphans = processes.filter(
    ({ engine, pid }) => !kept.has(engine) && identity(pid) !== null,
  );
  const uid = process.getuid?.() ?? 0;
  const sockets = listEngineSockets().filter(
    (socket) => socket.uid === uid && !kept.has(socket.engine),
  );
  const running = kept.size === 0 ? 'nothing' : `nothing (running: ${[...kept].join(', ')})`;
  if (orphans.length + sockets.length === 0) return ok('leftovers', running);
  const names = [
    ...orphans.map(({ pid, engine, role }) => `${role} of ${engine} (process ${pid})`),
    ...sockets.map(({ engine, purpose }) => `socket ${purpose} of ${engine}`),
  ];
  return fail(
    'leftovers',
    names.join(', '),
    orphans.length > 0
      ? `kill -9 ${orphans.map(({ pid }) => pid).join(' ')}; then please report it: nothing should be left.`
      : 'A process that is not named as an engine holds the socket; end it, or use another --name.',
  );
}

/**
 * Looks whether this machine can hold a stream, and for what an earlier engine left behind. Takes
 * a quarter of a second, for which it blocks the calling thread.
 *
 * @param priority - SCHED_FIFO priority that the driver would ask for, 1 to 99
 * @param leadUs - microseconds between sealing a tick and playing it
 */
export function examine({ priority, leadUs }: { priority: number; leadUs: number }): Check[] {
  return [
    checkNode(),
    checkRealtime(priority),
    checkMemoryLock(),
    checkClock(),
    checkLateness(priority, leadUs),
    checkGovernor(),
    checkLibasound(),
    checkLeftovers(),
  ];
}
