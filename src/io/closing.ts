// The end of the process waits for nobody for ever: a supervisor would kill it in the middle.

import { messageOf } from '../base/result.ts';

export interface Closer {
  /** For the log. */
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

/** All at once. Never rejects; returns when each has ended or has had its time, and tells of those that did not end. */
export async function closeAll(
  closers: readonly Closer[],
  withinMs: number,
  onProblem: (message: string) => void,
): Promise<void> {
  await Promise.all(closers.map((closer) => closeOne(closer, withinMs, onProblem)));
}

async function closeOne(
  { name, close }: Closer,
  withinMs: number,
  onProblem: (message: string) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, withinMs, `${name} did not end within ${withinMs} ms`);
  });
  const ended = (async () => close())().then(
    () => undefined,
    (cause: unknown) => `${name} did not end: ${messageOf(cause)}`,
  );
  const problem = await Promise.race([ended, late]);
  clearTimeout(timer);
  if (problem !== undefined) onProblem(problem);
}
