import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import {
  becomeRealtime,
  limitRealtimeCpu,
  memoryLockLimit,
  realtimeAllowed,
  realtimeCpuLimit,
  type SchedulingResult,
} from './scheduling.js';

/** Priority, nice value and policy as the kernel has them: fields 40, 19 and 41 of the stat file. */
const show = `
  import { readFileSync } from 'node:fs';
  import { execFileSync } from 'node:child_process';
  const parse = (text) => {
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    return { priority: fields[40 - 3], nice: fields[19 - 3], policy: fields[41 - 3] };
  };
  const own = () => parse(readFileSync('/proc/self/stat', 'latin1'));
  const child = () => parse(execFileSync('cat', ['/proc/self/stat'], { encoding: 'latin1' }));
`;
const ordinary = { priority: 0, policy: 0 };

interface Shown {
  result: SchedulingResult;
  own: { priority: number; nice: number; policy: number };
  child: { priority: number; nice: number; policy: number };
  normal: { priority: number; policy: number };
}

/** What a process becomes that asks for real time, as itself or stripped of every privilege. */
async function realtimeProcess(wrapper: string[], stripped: boolean): Promise<Shown> {
  const program = new ModuleProcess(
    `${show}
    if (${stripped} && process.getuid() === 0) {
      process.setgid(65534);
      process.setuid(65534);
    }
    const result = os.becomeRealtime(60);
    const shown = { result, own: own(), child: child() };
    os.becomeNormal();
    console.log(JSON.stringify({ ...shown, normal: own() }));
    `,
    { wrapper },
  );
  return (await program.json()) as Shown;
}

test('real time is given where it may be, and goes to no child', async () => {
  const { allowed } = realtimeAllowed(60);
  const { result, own, child, normal } = await realtimeProcess([], false);
  expect(result.policy === 'fifo').toBe(allowed);
  if (allowed) expect(own).toMatchObject({ priority: 60, policy: 1 });
  expect(child).toMatchObject(ordinary);
  expect(normal).toMatchObject(ordinary);
});

test('without any permission the result says so, and says why', async () => {
  const wrapper = ['prlimit', '--rtprio=0', '--nice=0'];
  const { result, own } = await realtimeProcess(wrapper, true);
  expect(result).toEqual({
    policy: 'other',
    priority: own.nice,
    reason: 'SCHED_FIFO was refused (EPERM): needs CAP_SYS_NICE or an rtprio limit',
  });
  expect(own).toMatchObject(ordinary);
});

test('limits of the user are used as far as they go', async () => {
  // Raising limits takes a permission of its own; without it only the refusal can be seen.
  const limits = ['--rtprio=20', '--nice=25'];
  const mayRaise = spawnSync('prlimit', [...limits, 'true'], { stdio: 'ignore' }).status === 0;
  const wrapper = ['prlimit', ...(mayRaise ? limits : ['--rtprio=0', '--nice=0'])];
  const { result, own, normal } = await realtimeProcess(wrapper, true);
  if (mayRaise) {
    expect(result).toEqual({ policy: 'fifo', priority: 20 });
    expect(own).toMatchObject({ priority: 20, policy: 1 });
  } else {
    expect(result.policy).toBe('other');
  }
  expect(normal).toMatchObject(ordinary);
});

test('asking whether it is allowed changes nothing', async () => {
  const program = new ModuleProcess(`${show}
    const before = own();
    const answer = os.realtimeAllowed();
    console.log(JSON.stringify([before, own(), answer.allowed === (answer.reason === undefined)]));
  `);
  const [before, after, reasoned] = (await program.json()) as unknown[];
  expect(after).toEqual(before);
  expect(reasoned).toBe(true);
});

test('a real-time process that computes for ever is ended by the kernel', async () => {
  const program = new ModuleProcess(`
    os.limitRealtimeCpu(100_000, 200_000);
    const { policy } = os.becomeRealtime(1);
    console.log(policy);
    if (policy === 'fifo') for (;;);
  `);
  const policy = await program.line();
  expect(await program.ended).toBe(policy === 'fifo' ? 'SIGXCPU' : 0);
});

test('the limit on real-time computing can be set from outside', async () => {
  const program = new ModuleProcess('console.log("ready"); process.stdin.resume();');
  await program.line();
  expect(realtimeCpuLimit(program.pid).soft).toBe(Number.POSITIVE_INFINITY);
  limitRealtimeCpu(150_000, 300_000, program.pid);
  expect(realtimeCpuLimit(program.pid)).toEqual({ soft: 150_000, hard: 300_000 });
  program.kill();
  await program.ended;
  expect(() => limitRealtimeCpu(1, 2, program.pid)).toThrow('ESRCH');
  expect(() => limitRealtimeCpu(2, 1)).toThrow('assertion failed');
});

test('priorities that there are not are refused', () => {
  for (const bad of [0, 100, -1, 1.5, Number.NaN]) {
    expect(() => becomeRealtime(bad)).toThrow('assertion failed');
  }
});

test('the limit on locked memory is that of the process', async () => {
  expect(memoryLockLimit()).toBeGreaterThanOrEqual(0);
  const program = new ModuleProcess(
    `
    const before = os.memoryLockLimit();
    if (process.getuid() === 0) process.setuid(65534);
    console.log(os.memoryLockLimit());
    `,
    { wrapper: ['prlimit', '--memlock=65536'] },
  );
  expect(await program.line()).toBe('65536');
});

test('the slack of timers is set', async () => {
  const program = new ModuleProcess(`
    import { readFileSync } from 'node:fs';
    os.setTimerSlack(1000);
    console.log(readFileSync('/proc/self/timerslack_ns', 'latin1').trim());
  `);
  expect(await program.line()).toBe('1000');
  expect(readFileSync('/proc/self/timerslack_ns', 'latin1').trim()).not.toBe('1000');
});
