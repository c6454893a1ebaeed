// `rollcall metrics`: how the switch stands, for Prometheus. Printed, or put where node_exporter's textfile collector reads it.

import type { Command } from 'commander';
import type { Files } from './check.ts';
import { type Look, look } from './look.ts';
import { type Connection, complain, EXIT, open, type Terminal } from './session.ts';

interface Flags extends Connection {
  readonly output?: string;
}

interface Means {
  readonly files: Files;
  readonly terminal: Terminal;
  readonly exit: (code: number) => void;
}

/** The collector runs as somebody else. */
const FOR_ALL = 0o644;

export function addMetrics(command: Command, means: Means): void {
  command
    .description('how the switch stands, for Prometheus')
    .option('--output <file>', 'replace this file as a whole, for the textfile collector of node_exporter')
    .action(async (flags: Flags) => means.exit(await metrics(flags, means)));
}

/** Without an agent there is one number, `rollcall_up 0`; where it refuses, as while it starts, none, and the file stays as it is. */
async function metrics(flags: Flags, { files, terminal }: Means): Promise<number> {
  const client = await open(flags);
  if (!client.ok) return complain(terminal, client.error, EXIT.usage);
  const looked = await look(client.value);
  await client.value.close();
  if (!looked.ok) complain(terminal, looked.error.message, looked.error.code);
  if (!looked.ok && looked.error.code === EXIT.refused) return EXIT.refused;
  const written = await write(looked.ok ? looked.value : undefined, flags.output, { files, terminal });
  if (!written) return EXIT.refused;
  return looked.ok ? EXIT.done : looked.error.code;
}

async function write(
  seen: Look | undefined,
  output: string | undefined,
  { files, terminal }: Omit<Means, 'exit'>,
): Promise<boolean> {
  const { exposition } = await import('./exposition.ts');
  const text = await exposition(seen);
  if (output === undefined) {
    terminal.out(text);
    return true;
  }
  const written = files.replaceFile(output, text, FOR_ALL);
  if (!written.ok) complain(terminal, `cannot write ${output}: ${written.error}`, EXIT.refused);
  return written.ok;
}
