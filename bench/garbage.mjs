/** Garbage collections of driver and replicas in steady state, as V8 itself reports them. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('traced-engine.mjs', import.meta.url));
/** What a process does in its first seconds is building up, not steady state. */
const settleMs = 5000;

function runTraced(seconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, String(seconds)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (part) => {
        text[name] += part;
      });
    }
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

/** Collections by pid after the first seconds: lines begin with `[PID:0x...] MS ms: `. */
function collections(trace) {
  const counts = new Map();
  for (const line of trace.split('\n')) {
    const [, pid, at] = /^\[(\d+):0x[0-9a-f]+\]\s+([0-9.]+) ms: /.exec(line) ?? [];
    if (pid === undefined) continue;
    const count = counts.get(Number(pid)) ?? { early: 0, steady: 0 };
    if (Number(at) > settleMs) count.steady++;
    else count.early++;
    counts.set(Number(pid), count);
  }
  return counts;
}

export async function* run() {
  const seconds = 60 + settleMs / 1000;
  const { stdout, stderr } = await runTraced(seconds);
  const { processes } = JSON.parse(stdout.trim().split('\n').at(-1));
  const counts = collections(stderr);
  const of = (role, states) =>
    processes
      .filter((one) => one.role === role && states.includes(one.state))
      .map(({ pid }) => counts.get(pid) ?? { early: 0, steady: 0 });
  const realtime = [...of('driver', ['running', 'standby']), ...of('replica', ['running'])];
  const steady = realtime.map((count) => count.steady);
  const early = realtime.reduce((sum, count) => sum + count.early, 0);
  const others = [...counts.values()].reduce((sum, count) => sum + count.steady, 0);
  const all = steady.reduce((sum, count) => sum + count, 0);
  yield {
    what: 'garbage collections in 60 s of steady state',
    target: '0 in drivers and replicas',
    measured: `${all} (driver, standby, replicas: ${steady.join(', ')})`,
    beside: `${early} while they started; ${others - all} in keeper and control`,
    // Without a single line nothing was traced, which proves nothing.
    met: all === 0 && counts.size > 0,
  };
}
