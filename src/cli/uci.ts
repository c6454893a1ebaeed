// `rollcall uci`: on OpenWrt, /etc/config/rollcall becomes the YAML file that the agent reads. The init script calls it.

import type { Command } from 'commander';
import { restartPaths } from '../config/diff.ts';
import { parseConfig } from '../config/parse.ts';
import type { Files } from './check.ts';
import { EXIT, type Terminal } from './session.ts';

const STANDARD_INPUT = 0;

interface Flags {
  readonly from?: string;
  readonly to?: string;
}

interface Means {
  readonly files: Files;
  readonly terminal: Terminal;
  readonly exit: (code: number) => void;
}

export function addUci(parent: Command, means: Means): void {
  parent
    .command('uci')
    .description('OpenWrt: make the YAML configuration from what `uci export rollcall` prints')
    .option('--from <file>', 'what uci exported; left out: standard input')
    .option('--to <file>', 'replace this file, and say whether that takes a reload or a restart')
    .action(async (flags: Flags) => means.exit(await convert(flags, means)));
}

/** Nothing is written unless all of it is right. */
async function convert({ from, to }: Flags, { files, terminal }: Means): Promise<number> {
  const complain = (message: string, code: number = EXIT.refused): number => {
    terminal.err(`${terminal.paint.red('rollcall:')} ${message}\n`);
    return code;
  };
  const uci = files.readText(from ?? STANDARD_INPUT);
  if (!uci.ok) return complain(`cannot read ${from ?? 'standard input'}: ${uci.error}`, EXIT.usage);
  const [{ yamlFromUci }, { describeUciFault }] = await Promise.all([
    import('../uci/generate.ts'),
    import('../uci/places.ts'),
  ]);
  const made = yamlFromUci(uci.value, files.readSecret);
  if (!made.ok) return Math.max(...made.error.map((fault) => complain(describeUciFault(fault))));
  for (const warning of made.value.warnings)
    terminal.err(`${terminal.paint.yellow('rollcall:')} ${describeUciFault(warning)}\n`);
  if (to === undefined) {
    terminal.out(made.value.text);
    return EXIT.done;
  }
  const before = files.readText(to);
  const takes = before.ok ? difference(before.value, made.value, files) : 'restart';
  // The same again is left alone: an agent that is starting may not read a new one before its owner is set.
  if (!before.ok || before.value !== made.value.text) {
    const written = files.replaceFile(to, made.value.text);
    if (!written.ok) return complain(`cannot write ${to}: ${written.error}`);
  }
  terminal.out(`${takes}\n`);
  return EXIT.done;
}

/** `reload` also where nothing is another: a file that it names may be. `restart` where what there was is no configuration. */
function difference(
  before: string,
  made: { readonly text: string; readonly config: Parameters<typeof restartPaths>[1] },
  { readSecret }: Files,
): 'reload' | 'restart' {
  const parsed = parseConfig(before, readSecret);
  return parsed.ok && restartPaths(parsed.value.config, made.config).length === 0 ? 'reload' : 'restart';
}
