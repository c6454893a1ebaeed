// A question to whoever sits at the terminal, on standard error: standard output is the answer's.

import { createInterface } from 'node:readline/promises';

/** No is also who ends the input (Ctrl-D) or interrupts (Ctrl-C). */
export async function confirmOnTerminal(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<boolean> {
  const terminal = createInterface({ input, output });
  // The question itself stays without an answer then.
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
