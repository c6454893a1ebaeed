// The shell with an agent that wants what it is told to, and parts that fail when they are told to.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Effect, Input } from '../../src/agent/ports.ts';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { OpenCapture } from '../../src/io/dataplane/port-captures.ts';
import type { Publication } from '../../src/io/mqtt/publish-queue.ts';
import type { Spool } from '../../src/io/perform-store.ts';
import { type LateParts, Shell } from '../../src/io/shell.ts';
import { openStore } from '../../src/io/store/store.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import type { GrantKey, PortFacts, PortName, VlanId } from '../../src/model/dataplane.ts';

const ALICE = '02:00:00:00:00:0a' as Mac;
const BOB = '02:00:00:00:00:0b' as Mac;
const P1 = 'p1' as PortName;

function entry(mac: Mac, vlan = 0): GrantKey {
  return { mac, port: P1, vlan: vlan as VlanId };
}

function open(openCapture?: OpenCapture) {
  const heard: Input[] = [];
  const logged: string[] = [];
  const guarded = new Set<Mac>();
  const replied: number[] = [];
  const published: Publication[] = [];
  let effects: Effect[] = [];
  let defect: Input['type'] | undefined;
  let ports: Result<readonly PortFacts[], string> = ok([]);
  const done = (keys: readonly GrantKey[]) => keys.map(() => ok(undefined));
  const shell = new Shell({
    agent: {
      handle: (input: Input) => {
        heard.push(input);
        if (input.type === defect) throw new TypeError('a defect');
        return effects.splice(0);
      },
      pollAt: () => Number.POSITIVE_INFINITY,
    },
    portauth: { readPorts: () => ports, grant: done, revoke: done, close() {} },
    log: { log: (_: string, message: string) => logged.push(message) },
  } as unknown as ConstructorParameters<typeof Shell>[0]);
  onTestFinished(() => shell.close());
  const guard = { grant: (mac: Mac) => guarded.add(mac), revoke: (mac: Mac) => guarded.delete(mac) };
  return {
    heard,
    logged,
    guarded,
    perform: (...some: Effect[]) => {
      effects = some;
      shell.post({ type: 'tick' });
    },
    reads: (result: typeof ports) => {
      ports = result;
    },
    breaksAt: (type: Input['type']) => {
      defect = type;
    },
    visit: () => shell.visit({ visitor: { ip: '192.0.2.1' as Ip }, wish: { type: 'look' } }, () => undefined),
    complete: () =>
      shell.complete({
        guard,
        openCapture,
        watchLeases() {},
        publish: (publication: Publication) => published.push(publication),
        sendDynamicReply: (_address: string, port: number) => replied.push(port),
      } as unknown as LateParts),
    replied,
    published,
    rest: () => shell.rest(),
    store: (spool: Spool) => shell.useSpool(spool),
  };
}

/** What would have ended the process. */
async function uncaught(): Promise<unknown> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const cause = await new Promise((resolve) => process.once('uncaughtException', resolve));
  for (const listener of others) process.on('uncaughtException', listener);
  return cause;
}

it('a defect of the agent ends the process, and is not swallowed by the store whose answer it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-shell-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const opened = openStore(folder, () => undefined);
  if (!opened.ok) throw new Error(opened.error);
  const { perform, store, breaksAt } = open();
  store(opened.value.store);
  breaksAt('done');
  const record = { kind: 'on', eventTime: 1_700_000_000_000 } as AcctRecord;
  perform({ type: 'spool-store', ref: 1, id: 7, record });
  expect(await uncaught()).toEqual(new TypeError('a defect'));
  await opened.value.store.close();
});

it('nor by the promise of a visit to the login page', async () => {
  const { visit, breaksAt } = open();
  breaksAt('web');
  const swallowed = (async () => visit())().catch(() => 'swallowed');
  expect(await uncaught()).toEqual(new TypeError('a defect'));
  expect(await swallowed).toBe('swallowed');
});

it('says nothing of the ports while they cannot be read, and why once', () => {
  const { heard, logged, perform, reads } = open();
  const told = () => heard.filter(({ type }) => type === 'ports').length;
  reads(err('list the ports of bridge br0: Cannot allocate memory (ENOMEM)'));
  perform({ type: 'read-ports' });
  perform({ type: 'read-ports' });
  expect(told()).toBe(0);
  expect(logged).toEqual([
    'ports cannot be read: list the ports of bridge br0: Cannot allocate memory (ENOMEM)',
  ]);
  reads(ok([]));
  perform({ type: 'read-ports' });
  expect(told()).toBe(1);
  reads(err('list the ports of bridge br0: Interrupted system call (EINTR)'));
  perform({ type: 'read-ports' });
  expect(told()).toBe(1);
  expect(logged).toHaveLength(2);
});

it('guards at the uplinks who is in when they can be guarded, and nobody whose session has ended before', () => {
  const { guarded, perform, complete } = open();
  perform({ type: 'adopted', keys: [entry(ALICE)] }, { type: 'adopted', keys: [entry(BOB)] });
  perform({ type: 'revoke', ref: 1, key: entry(BOB) });
  complete();
  expect([...guarded]).toEqual([ALICE]);
});

it('guards a client from its first entry to its last: a session that moves to another VLAN stays guarded', () => {
  const { guarded, perform, complete } = open();
  complete();
  perform({ type: 'grant', ref: 1, key: entry(ALICE, 10) });
  perform({ type: 'grant', ref: 2, key: entry(ALICE, 20) });
  perform({ type: 'revoke', ref: 3, key: entry(ALICE, 10) });
  expect([...guarded]).toEqual([ALICE]);
  // Nobody's.
  perform({ type: 'revoke', ref: 4, key: entry(ALICE, 30) });
  expect([...guarded]).toEqual([ALICE]);
  perform({ type: 'revoke', ref: 5, key: entry(ALICE, 20) });
  expect([...guarded]).toEqual([]);
});

it('the agent hears of a capture that has ended, and the log why', () => {
  const { heard, logged, perform, complete } = open((_port, _onFrame, onError) => ({
    open: () => ok(undefined),
    hear: () => onError('capture on p1 ended: its filter could not be changed'),
    takeLost: () => 0,
    close() {},
  }));
  complete();
  perform({ type: 'open-capture', ref: 1, port: P1 });
  perform({ type: 'hear', port: P1, only: [ALICE] });
  expect(heard.filter(({ type }) => type === 'capture-ended')).toEqual([{ type: 'capture-ended', port: P1 }]);
  expect(logged).toEqual(['capture on p1 ended: its filter could not be changed']);
});

it('the agent hears of events that the broker has, all of one moment together; at rest they go off the disk without it', async () => {
  const { heard, perform, complete, published, rest, store } = open();
  const writes: (readonly [changes: readonly object[], isUrgent: boolean])[] = [];
  store({
    write: (changes, done) => writes.push([changes, done !== undefined]),
    writeCertified() {},
    flushed: (done) => done(),
  });
  complete();
  const value = Uint8Array.of(1);
  perform({ type: 'event-store', changes: [{ key: 'e000000000001', value }] });
  perform({ type: 'event-store', changes: [{ key: 'e000000000001', value: null }] });
  expect(writes.map(([, isUrgent]) => isUrgent)).toEqual([true, false]);
  for (const ref of [1, 2, 3]) perform({ type: 'publish', topic: 't', payload: {}, retain: false, ref });
  perform({ type: 'publish', topic: 't', payload: null, retain: true });
  const settle = (n: number): void => published[n]?.onSettled?.();
  settle(0);
  settle(1);
  expect(published[3]).toEqual({ topic: 't', payload: '', retain: true });
  await new Promise(setImmediate);
  expect(heard.filter(({ type }) => type === 'published')).toEqual([{ type: 'published', refs: [1, 2] }]);
  rest();
  settle(2);
  await new Promise(setImmediate);
  expect(heard.filter(({ type }) => type === 'published')).toHaveLength(1);
  expect(writes.at(-1)).toEqual([[{ key: 'e000000000003', value: null }], false]);
});

it('tells a server that something is done when that is durable, and that it is not at once', () => {
  const { perform, complete, replied, store } = open();
  const did: string[] = [];
  let flush = () => {};
  store({
    write: () => did.push('write'),
    flushed: (done) => {
      did.push('flush');
      flush = done;
    },
    writeCertified() {},
  });
  complete();
  const reply = (port: number, ack: boolean): Effect => ({
    type: 'send-dynamic-reply',
    address: '192.0.2.1',
    port,
    bytes: new Uint8Array(20),
    ack,
  });
  perform(reply(1, true), reply(2, false), { type: 'session-store', changes: [] });
  expect(did).toEqual(['write', 'flush']);
  expect(replied).toEqual([2]);
  flush();
  expect(replied).toEqual([2, 1]);
});

it('takes nothing in any more once it rests: who would get in then would not be kept', () => {
  const { heard, perform, rest } = open();
  perform();
  const before = heard.length;
  rest();
  perform({ type: 'read-ports' });
  expect(before).toBeGreaterThan(0);
  expect(heard).toHaveLength(before);
});
