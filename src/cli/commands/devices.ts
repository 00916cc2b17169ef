import type { Command } from 'commander';
import { addCommonOptions, type CommonOptions } from '../options.js';
import { columns, paint, say, sayJson } from '../terminal.js';

export function define(command: Command): void {
  addCommonOptions(command).action(async (options: CommonOptions) => {
    const { listDevices } = await import('../../device/open.js');
    const devices = listDevices();
    if (options.json) {
      sayJson({ devices });
      return;
    }
    const bold = (text: string) => paint('bold', text, process.stdout);
    say(
      columns([
        ['', 'NAME', 'OUT', 'IN', ''].map(bold),
        ...devices.map(({ name, description, outputs, inputs, isDefault }) => [
          isDefault ? '*' : '',
          name,
          outputs,
          inputs,
          description,
        ]),
      ]),
    );
    say();
    say('* is what `--device default` takes.');
  });
}
