// The captures' own decisions, with a package that captures nothing; that frames are heard is shown in lab/capture.test.ts.

import { createRequire } from 'node:module';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { CAPTURE_FILTER, Capture } from '../../src/io/dataplane/capture.ts';
import type { PortName } from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const MAC = '02:99:00:00:00:01' as Mac;

class Session {
  readonly link_type = 'LINKTYPE_ETHERNET';
  isClosed = false;
  refuses = false;

  constructor(public filter: string) {}

  on(): void {
    // No frame comes, and none of these ends by itself.
  }

  setFilter(filter: string): void {
    if (this.refuses) throw new Error('Cannot allocate memory');
    this.filter = filter;
  }

  close(): void {
    this.isClosed = true;
  }
}

const { cache, resolve } = createRequire(import.meta.url);
let sessions: Session[];
/** Why no capture can be opened. */
let obstacle: string | undefined;
let errors: string[];

beforeEach(() => {
  sessions = [];
  obstacle = undefined;
  errors = [];
  const path = resolve('pcap');
  const known = cache[path];
  const createSession = (_: string, options: { readonly filter: string }): Session => {
    if (obstacle !== undefined) throw new Error(obstacle);
    sessions.push(new Session(options.filter));
    return sessions.at(-1) as Session;
  };
  cache[path] = { exports: { createSession } } as NodeJS.Module;
  onTestFinished(() => {
    if (known === undefined) delete cache[path];
    else cache[path] = known;
  });
});

function opened(): Capture {
  const capture = new Capture(
    P1,
    () => undefined,
    (_, reason) => errors.push(reason),
  );
  expect(capture.open()).toMatchObject({ ok: true });
  return capture;
}

describe('a filter that the kernel does not take', () => {
  it('the capture is opened anew with the whole one, and nobody is told of an end', () => {
    const capture = opened();
    capture.hear([MAC]);
    (sessions[0] as Session).refuses = true;
    capture.hear([]);
    expect(sessions.map(({ isClosed, filter }) => [isClosed, filter])).toEqual([
      [true, expect.stringContaining(MAC)],
      [false, CAPTURE_FILTER],
    ]);
    expect([capture.isOpen, errors]).toEqual([true, []]);
    capture.hear([MAC]);
    expect(sessions[1]?.filter).toContain(MAC);
  });

  it('one that cannot be opened anew has ended, which is told once, with both reasons', () => {
    const capture = opened();
    (sessions[0] as Session).refuses = true;
    obstacle = 'No buffer space available';
    capture.hear([MAC]);
    capture.hear(undefined);
    expect([capture.isOpen, sessions[0]?.isClosed]).toEqual([false, true]);
    expect(errors).toEqual([expect.stringMatching(/Cannot allocate memory.*No buffer space available/)]);
  });
});
