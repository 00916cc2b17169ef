import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { ModuleProcess, until } from '../../test/kit/module-process.js';
import { errno } from './libc.js';
import {
  cpuSeconds,
  descriptorCount,
  identity,
  isAlive,
  killNow,
  memoryPss,
  openPidfd,
  type ProcessIdentity,
  sendSignalByPidfd,
  threadCount,
} from './process.js';

const { SIGKILL, SIGSTOP, SIGCONT } = constants.signals;
const idle = 'console.log("ready"); process.stdin.resume();';

function identityOf(pid: number): ProcessIdentity {
  const who = identity(pid);
  if (!who) throw new Error(`no process ${pid}`);
  return who;
}

test('a child dies with its parent; a grandchild that did not ask for it does not', async () => {
  const parent = new ModuleProcess(
    `
    import { spawn } from 'node:child_process';
    const child = spawn(process.execPath, ['--input-type=module', '-e', \`
      import * as os from '\${process.argv[1]}';
      import { spawn } from 'node:child_process';
      os.dieWithParent(\${process.pid});
      const grandchild = spawn('sleep', ['600'], { stdio: 'ignore' });
      console.log(process.pid, grandchild.pid);
      process.stdin.resume();
    \`], { stdio: ['pipe', 'inherit', 'inherit'] });
    process.stdin.resume();
  `,
    { args: [new URL('../../dist/os/index.js', import.meta.url).href] },
  );
  const [child = 0, grandchild = 0] = (await parent.line()).split(' ').map(Number);
  const childIdentity = identityOf(child);
  const grandchildIdentity = identityOf(grandchild);
  expect(isAlive(childIdentity)).toBe(true);
  parent.kill();
  await parent.ended;
  await until(() => !isAlive(childIdentity));
  expect(isAlive(grandchildIdentity)).toBe(true);
  expect(killNow(grandchild)).toBe(0);
  await until(() => !isAlive(grandchildIdentity));
});

test('a child whose parent is gone already does not get to its next line', async () => {
  const orphan = new ModuleProcess(`
    os.dieWithParent(process.ppid + 1);
    console.log('lived');
  `);
  expect(await orphan.ended).toBe('SIGKILL');
  const kept = new ModuleProcess(`os.dieWithParent(process.ppid); console.log('lived');`);
  expect(await kept.line()).toBe('lived');
});

test('an identity is one process, not its number', async () => {
  const program = new ModuleProcess(idle);
  await program.line();
  const who = identityOf(program.pid);
  expect(isAlive(who)).toBe(true);
  // What a later process of the same number would have.
  expect(isAlive({ pid: who.pid, startTicks: who.startTicks + 1 })).toBe(false);
  program.kill();
  await program.ended;
  expect(isAlive(who)).toBe(false);
  expect(identity(program.pid)).toBeNull();
  expect(identity(0x7ffffffe)).toBeNull();
});

test('a stopped process lives; one that has ended and was not waited for does not', async () => {
  const program = new ModuleProcess(`
    import { spawn } from 'node:child_process';
    const child = spawn('sleep', ['600']);
    console.log(child.pid);
    // The event loop stands still from here on, so nobody waits for the child.
    for (;;) os.sleepUntilNs(os.monotonicNs() + 1e9);
  `);
  const pid = Number(await program.line());
  const who = identityOf(pid);
  process.kill(pid, SIGSTOP);
  expect(isAlive(who)).toBe(true);
  process.kill(pid, SIGCONT);
  expect(killNow(pid)).toBe(0);
  await until(() => !isAlive(who));
  expect(identity(pid)).toEqual(who);
  program.kill();
  await program.ended;
});

test('names with spaces and parentheses do not confuse the fields', async () => {
  for (const name of ['a) S 1 2 (b', ')))', 'x (y) Z 0 0', ' ) Z ']) {
    const program = new ModuleProcess(
      `
      const before = os.identity(process.pid);
      os.setProcessName(process.argv[1]);
      console.log(JSON.stringify([before, os.identity(process.pid), os.isAlive(before)]));
      process.stdin.resume();
      `,
      { args: [name] },
    );
    const who = identityOf(program.pid);
    expect(await program.json()).toEqual([who, who, true]);
    expect(readFileSync(`/proc/${program.pid}/comm`, 'latin1')).toBe(`${name}\n`);
    expect(readFileSync(`/proc/${program.pid}/cmdline`, 'latin1')).toContain(name);
    expect(threadCount(program.pid)).toBeGreaterThan(1);
    program.kill();
    await program.ended;
  }
});

test('a pidfd signals its own process and never another', async () => {
  const program = new ModuleProcess(idle);
  await program.line();
  const pidfd = openPidfd(program.pid);
  expect(sendSignalByPidfd(pidfd, 0)).toBe(0);
  expect(sendSignalByPidfd(pidfd, SIGKILL)).toBe(0);
  expect(await program.ended).toBe('SIGKILL');
  expect(sendSignalByPidfd(pidfd, SIGKILL)).toBe(-errno.ESRCH);
  closeSync(pidfd);
  expect(() => openPidfd(program.pid)).toThrow('ESRCH');
  expect(sendSignalByPidfd(-1, 0)).toBe(-errno.EBADF);
});

test('killNow ends one process, and refuses what would mean many', async () => {
  const program = new ModuleProcess(idle);
  await program.line();
  expect(killNow(program.pid)).toBe(0);
  expect(await program.ended).toBe('SIGKILL');
  expect(killNow(program.pid)).toBe(-errno.ESRCH);
  for (const group of [1, 0, -1, -program.pid, Number.NaN]) {
    expect(killNow(group)).toBe(-errno.EINVAL);
  }
});

test('what a terminal sends is ignored, and so is the debugger', async () => {
  const program = new ModuleProcess(`
    os.ignoreTerminalSignals();
    console.log('ready');
    process.stdin.on('data', () => console.log('lives'));
  `);
  await program.line();
  const ignored = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGPIPE'];
  for (const signal of [...ignored, 'SIGUSR1'] as NodeJS.Signals[]) {
    program.kill(signal);
    program.tell('?');
    expect(await program.line(), signal).toBe('lives');
  }
  program.kill('SIGTERM');
  expect(await program.ended).toBe('SIGTERM');
});

test('a signal can be given back its effect', async () => {
  const program = new ModuleProcess(`
    os.ignoreSignal(2);
    os.restoreSignal(2);
    console.log('ready');
    process.stdin.resume();
  `);
  await program.line();
  program.kill('SIGINT');
  expect(await program.ended).toBe('SIGINT');
});

test('orphans come to the subreaper', async () => {
  const reaper = new ModuleProcess(`
    import { spawn } from 'node:child_process';
    os.becomeSubreaper();
    const shell = spawn('sh', ['-c', 'sleep 600 & echo $!'], { stdio: ['ignore', 'pipe', 'inherit'] });
    shell.stdout.once('data', (data) => shell.once('exit', () => console.log(Number(data))));
    process.stdin.resume();
  `);
  const orphan = Number(await reaper.line());
  const status = readFileSync(`/proc/${orphan}/status`, 'latin1');
  expect(status).toContain(`PPid:\t${reaper.pid}\n`);
  expect(killNow(orphan)).toBe(0);
  reaper.kill();
  await reaper.ended;
});

test('a process that may not be dumped hides its memory from its user', async () => {
  const program = new ModuleProcess(`
    import { statSync } from 'node:fs';
    const owner = () => statSync('/proc/self/maps').uid;
    os.setDumpable(false);
    const hidden = owner();
    os.setDumpable(true);
    console.log(JSON.stringify([hidden, owner()]));
  `);
  expect(await program.json()).toEqual([0, process.getuid?.()]);
});

test('what a process uses can be read, and that of none is null', () => {
  const { pid } = process;
  const before = descriptorCount(pid) ?? 0;
  const fd = openSync('/dev/null', 'r');
  expect(descriptorCount(pid)).toBe(before + 1);
  closeSync(fd);
  const rss = process.memoryUsage().rss;
  expect(memoryPss(pid)).toBeGreaterThan(1 << 20);
  expect(memoryPss(pid)).toBeLessThan(2 * rss);
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const used = cpuSeconds(pid) ?? 0;
  // The kernel counts in hundredths.
  expect(used).toBeGreaterThanOrEqual((userCPUTime + systemCPUTime) / 1e6 - 0.03);
  const none = 0x7ffffffe;
  const readings = [cpuSeconds, memoryPss, threadCount, descriptorCount].map((read) => read(none));
  expect(readings).toEqual([null, null, null, null]);
});
