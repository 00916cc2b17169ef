/**
 * A real-time program that only wakes up once a quantum, for `node realtime-probe.mjs SECONDS`:
 * prints how late it was. What it finds no engine on this machine can do better.
 */
import { becomeRealtime, monotonicNs, setTimerSlack, sleepUntilNs } from '../dist/os/index.js';

const periodNs = (128 * 1e9) / 48_000;
const turns = Math.round((Number(process.argv[2]) * 1e9) / periodNs);
const late = new Float64Array(turns);

setTimerSlack(1);
const { policy } = becomeRealtime(80);
let due = monotonicNs() + periodNs;
for (let i = 0; i < turns; i++) {
  sleepUntilNs(due);
  late[i] = (monotonicNs() - due) / 1e6;
  due += periodNs;
}
late.sort();
const at = (share) => late[Math.min(turns - 1, Math.floor(share * turns))];
console.log(JSON.stringify({ policy, median: at(0.5), p99: at(0.99), max: at(1) }));
