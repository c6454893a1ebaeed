// The program nft, which writes the packet filter. Running it at once stops us for some milliseconds; otherwise nobody waits.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { err, messageOf, ok, type Result } from '../../base/result.ts';

export const NFT_WITHIN_MS = 5000;

/** What it says. The error is a sentence, the first of its complaint. */
export function nftNow(args: readonly string[], input = ''): Result<string, string> {
  const done = spawnSync('nft', args, { input, encoding: 'utf8', timeout: NFT_WITHIN_MS });
  if (done.error !== undefined) return err(`nft: ${done.error.message}`);
  return done.status === 0 ? ok(done.stdout) : err(`nft: ${firstLine(done.stderr, done.status)}`);
}

/** `done` is called once, and never before this returns. */
export function nft(
  args: readonly string[],
  input: string,
  done: (result: Result<string, string>) => void,
): void {
  let program: ChildProcessWithoutNullStreams;
  try {
    program = spawn('nft', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: NFT_WITHIN_MS });
  } catch (error) {
    // Some failures, want of memory among them, are thrown here instead of being told of by `error`.
    const message = messageOf(error);
    setImmediate(() => done(err(`nft: ${message}`)));
    return;
  }
  let said = '';
  let complaint = '';
  let over = false;
  const finish = (result: Result<string, string>): void => {
    if (over) return;
    over = true;
    done(result);
  };
  program.on('error', (error) => finish(err(`nft: ${error.message}`)));
  program.on('close', (code) => finish(code === 0 ? ok(said) : err(`nft: ${firstLine(complaint, code)}`)));
  // Out of file descriptors it has none of these, whatever their types say; its error is on the way.
  const { stdin, stdout, stderr } = program as Partial<typeof program>;
  stdout?.on('data', (chunk: Uint8Array) => {
    said += String(chunk);
  });
  stderr?.on('data', (chunk: Uint8Array) => {
    complaint += String(chunk);
  });
  stdin?.on('error', () => undefined);
  stdin?.end(input);
}

function firstLine(text: string, code: number | null): string {
  return text.trim().split('\n')[0] || `exit ${code}`;
}
