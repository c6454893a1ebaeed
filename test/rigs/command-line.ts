// `rollcall ARGS...` in this process, on real files: what it says, and with which code it ends.

import { buildCli, type CliOptions } from '../../src/cli/cli.ts';
import { readSecret, readText, replaceFile } from '../../src/io/files.ts';
import { AT } from '../report/samples.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `said`: what it has said so far, for who does not wait for its end. */
export async function rollcall(
  args: readonly string[],
  options: Partial<CliOptions> = {},
  said = { out: '', err: '' },
): Promise<Outcome> {
  const cli = buildCli({
    run: async () => 0,
    files: { readText, readSecret, replaceFile },
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    color: false,
    now: () => AT,
    ...options,
  });
  const code = await cli.parse(args);
  return { code, ...said };
}
