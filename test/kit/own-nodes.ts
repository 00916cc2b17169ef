import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { patchText, temporaryFile } from './engine.js';

/** A node that does what its `process` says. */
export const moduleText = (process: string, more = '') => `
import { defineNode, signalPort } from 'tenuto/dsp';
${more}
export default defineNode({
  type: 'mine',
  summary: 'A node of a test.',
  ports: [signalPort('in', 'The sound.')],
  state: ({ lanes }) => lanes,
  process({ inputs, output, state }) { ${process} },
});
`;

/** What a node may well do: it smooths. */
export const gentle =
  'for (let l = 0; l < output.length; l++) for (let i = 0; i < output[l].length; i++) ' +
  'output[l][i] = state[l] += 0.2 * (inputs.in[l][i] - state[l]);';

/** A node that smooths, and does harm later than any trial, at a quantum that all replicas come to. */
export function harmfulText(harm: string): string {
  const code = `${gentle} state[output.length] += 1; if (state[output.length] > 1200) { ${harm} }`;
  return moduleText(code).replace('=> lanes', '=> lanes + 1');
}

/** The test patch with the node behind its voice, from a folder with its module. */
export async function withModule(
  text: string,
): Promise<{ file: string; text: string; module: string }> {
  const file = await temporaryFile('patch.yaml');
  const module = join(dirname(file), 'mine.js');
  writeFileSync(module, text);
  const patch = patchText
    .replace('nodes:', 'modules: [mine.js]\nnodes:\n  mine: { type: mine, in: voice }')
    .replace('in: voice, size', 'in: mine, size');
  return { file, text: patch, module };
}
