/** Rendering speed beside scsynth, csound and node-web-audio-api: `render-speed.mjs`, as rows. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { times } from './figures.mjs';

const script = fileURLToPath(new URL('render-speed.mjs', import.meta.url));
/** At least so many times scsynth, in the order of the script's rows. */
const targets = [3, 1];

/** It ends with status 1 when a peer is missing, and prints the others all the same. */
async function measure() {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [script, '--json']).catch((error) => error);
  return JSON.parse(stdout);
}

export async function* run() {
  const { rows } = await measure();
  for (const [index, row] of rows.entries()) {
    const { name, tenuto, ...peers } = row;
    const beside = Object.entries(peers).map(([peer, speed]) => `${times(tenuto / speed)} ${peer}`);
    yield {
      what: `render ${name}`,
      target: `>= ${targets[index]}x scsynth`,
      measured: `${times(tenuto)} real time`,
      beside: beside.join(', ') || 'no peer is installed',
      met: peers.scsynth !== undefined && tenuto / peers.scsynth >= targets[index],
    };
  }
}
