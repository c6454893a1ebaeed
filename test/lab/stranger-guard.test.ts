// The packet filter's set of strangers, with the real nft in a namespace: what is done when somebody has meddled with it, and
// when nft itself fails for a while.

import { chmodSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Result } from '../../src/base/result.ts';
import { StrangerGuard } from '../../src/io/dataplane/stranger-guard.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { Netns } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';

const TABLE = 'rollcall_br0_strangers';
const [ALICE, BOB] = ['02:00:00:00:00:01' as Mac, '02:00:00:00:00:02' as Mac];
const P1 = 'p1' as PortName;
const OWN = '10.99.0.1' as Ip;
const PATH = process.env.PATH;

let netns: Netns;
let folder: LabFolder;
let guard: StrangerGuard;
/** What was told: true = whole again. */
let told: boolean[];

/** nft does nothing and fails, or does it and says that it has failed. */
function spoil(how: 'not done' | 'done' | 'never'): void {
  if (how === 'never') rmSync(folder.file('spoilt'), { force: true });
  else folder.write('spoilt', how);
}

function open(): { readonly guard: StrangerGuard; readonly left: readonly Mac[] } {
  const opened = StrangerGuard.open({
    bridge: 'br0',
    uplinks: ['up0' as PortName],
    port: 80,
    dnsServers: [],
    own: new Set([OWN]),
    needed: () => [],
    objection: () => undefined,
    onLost: (error) => told.push(error === undefined),
  });
  if (!opened.ok) throw new Error(opened.error);
  return opened.value;
}

function confine(mac: Mac): Promise<Result<void, string>> {
  return new Promise((resolve) => guard.confine(mac, P1, resolve));
}

function release(mac: Mac): Promise<Result<void, string>> {
  return new Promise((resolve) => guard.release(mac, resolve));
}

async function elements(set: string): Promise<readonly string[]> {
  const listed = await netns.must(['/usr/sbin/nft', 'list', 'set', 'bridge', TABLE, set]);
  return (/elements = \{([^}]*)\}/.exec(listed)?.[1] ?? '')
    .split(',')
    .map((text) => text.trim().replaceAll('"', ''))
    .filter((text) => text !== '');
}

const meddle = (words: string) => netns.must(['/usr/sbin/nft', ...words.split(' ')]);
const isTold = (...what: readonly boolean[]) =>
  until(`to be told ${what}`, async () => told.join() === what.join(), 4_000);

beforeAll(() => {
  netns = Netns.create();
  folder = new LabFolder('nft');
  const nft = folder.write(
    'nft',
    `#!/bin/sh
how=$(cat '${folder.file('spoilt')}' 2>/dev/null)
[ "$how" = 'not done' ] && exit 1
ip netns exec ${netns.name} /usr/sbin/nft "$@" || exit
[ -z "$how" ]
`,
  );
  chmodSync(nft, 0o755);
  process.env.PATH = `${folder.path}:${PATH}`;
});
afterAll(() => {
  process.env.PATH = PATH;
  netns?.close();
  folder?.remove();
});

beforeEach(() => {
  told = [];
  ({ guard } = open());
});
afterEach(async () => {
  spoil('never');
  guard.close();
  await netns.run(['/usr/sbin/nft', 'flush', 'ruleset']);
});

describe('what somebody has done to it', () => {
  it.each([
    ['the set was emptied', `flush set bridge ${TABLE} confined`],
    ['one was taken out', `delete element bridge ${TABLE} confined { ${ALICE} }`],
    ['one was put in', `add element bridge ${TABLE} confined { 02:00:00:00:00:99 }`],
    ['a chain was emptied', `flush chain bridge ${TABLE} forward`],
    ['all was flushed', 'flush ruleset'],
  ])('%s: it is as it was, and told', async (_, words) => {
    expect([await confine(ALICE), await confine(BOB)]).toMatchObject([{ ok: true }, { ok: true }]);
    await meddle(words);
    await isTold(true);
    expect(await elements('confined')).toEqual([ALICE, BOB]);
    expect(await elements('own4')).toEqual([OWN]);
  });

  it('nothing is amiss where nobody has, also with other addresses', async () => {
    await confine(ALICE);
    guard.setOwn(new Set(['10.99.0.2' as Ip, 'fd00:11:22:33:44:55:66:77' as Ip]));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(told).toEqual([]);
    expect(await elements('own4')).toEqual(['10.99.0.2']);
  });
});

describe('where nft fails for a while', () => {
  it.each([[[]], [[ALICE]]])(
    'with %j confined: nobody can be, and can again as soon as it works',
    async (before) => {
      for (const mac of before) await confine(mac);
      spoil('not done');
      expect(await confine(BOB)).toMatchObject({ ok: false });
      await isTold(false);
      spoil('never');
      await isTold(false, true);
      expect(await elements('confined')).toEqual(before);
      expect(await confine(BOB)).toMatchObject({ ok: true });
      expect(await elements('confined')).toEqual([...before, BOB]);
    },
  );

  it('and has done what it was asked: nothing is taken for done', async () => {
    await confine(ALICE);
    spoil('done');
    expect([await confine(BOB), await release(ALICE)]).toMatchObject([{ ok: false }, { ok: false }]);
    spoil('never');
    await until('the last word', async () => told.at(-1) === true, 4_000);
    expect(await elements('confined')).toEqual([ALICE]);
    expect(await release(ALICE)).toMatchObject({ ok: true });
    expect(await elements('confined')).toEqual([]);
  });
});

it('an uplink that comes later is one, also where nft had failed meanwhile', async () => {
  expect(await elements('uplinks')).toEqual(['up0']);
  guard.setUplinks(['up0', 'up1'] as PortName[]);
  await until('the other', async () => (await elements('uplinks')).length === 2);
  spoil('not done');
  guard.setUplinks(['up1'] as PortName[]);
  await isTold(false);
  spoil('never');
  await isTold(false, true);
  expect(await elements('uplinks')).toEqual(['up1']);
});

it('stays when we stop with whoever is in it, and without anybody goes', async () => {
  await confine(ALICE);
  guard.close();
  const second = open();
  expect(second.left).toEqual([ALICE]);
  ({ guard } = second);
  await release(ALICE);
  guard.close();
  expect(await netns.must(['/usr/sbin/nft', 'list', 'tables'])).not.toContain(TABLE);
});
