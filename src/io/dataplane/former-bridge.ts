// The bridge of which the configuration spoke before it named another one, or that was given another name while no agent ran. An
// earlier run has left grants and locks there; nobody would ever take them back, since all that this run does is about the
// bridge that has the name now. So before anything else: ports that may be open for one client are locked, every grant is taken
// away, with proof, and VLANs go back to what was found; then their sessions, whose ports are gone, are closed by the way of all
// sessions (agent/kept/restoration.ts).
//
// Ports stay locked, as those do of which `control` became off: nobody is let in by a change of a name. What would open them is told.
// Which bridge it was says the agent's own copy of the lock file, which is written anew after this, if nothing of it is left; what
// that one is called now says its ifindex (bridge-note.ts).

import { type KeptVlan, VlanBook } from '../../authz/vlan-book.ts';
import { named, ofPorts } from '../../authz/vlan-names.ts';
import { macFromNumber } from '../../base/mac.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { type LockRules, readLockFile } from '../../config/lock-file.ts';
import {
  type GrantKey,
  type PortFacts,
  type PortName,
  unlockCommand,
  type VlanId,
} from '../../model/dataplane.ts';
import { forEachEntry, isGrant } from '../../wire/fdb-table.ts';
import { readText } from '../files.ts';
import { openDataplane } from '../host/host.ts';
import { readClocks } from '../shell.ts';
import type { BridgeNote } from './bridge-note.ts';
import { nft } from './nft.ts';
import type { PortAuth } from './portauth.ts';
import { lockTable, strangersTable, tableName } from './table-name.ts';
import type { VlanMemory } from './vlan-memory.ts';

export interface FormerBridge extends LockRules {
  /** As the configuration called it. */
  readonly bridge: string;
  /** As the kernel calls it. */
  readonly calledNow: string;
}

/** What was done there, in a sentence; undefined where there is no such bridge any more, or nothing of ours on it. */
export function leaveFormerBridge(
  former: FormerBridge,
  config: Config,
  vlanMemory: VlanMemory,
): Result<string | undefined, string> {
  const { bridge, calledNow } = former;
  // The same one, by the name that the configuration has for it now: whoever is in there stays in.
  if (calledNow === config.switch.bridge) return ok(undefined);
  const portauth = openDataplane({ ...config, switch: { ...config.switch, bridge: calledNow } });
  if (!portauth.ok) return portauth;
  const left = takeBack(portauth.value, former);
  const vlans = putVlansBack(portauth.value, calledNow, vlanMemory);
  portauth.value.close();
  const what =
    calledNow === bridge
      ? `${bridge} is not our bridge any more`
      : `the bridge ${bridge} is called ${calledNow} now, and is not ours by that name`;
  if (!left.ok) return err(`${what}, and has grants of ours: ${left.error}`);
  if (!vlans.ok) return err(`${what}, and has VLANs of ours: ${vlans.error}`);
  const { grants, ports } = left.value;
  if (grants + ports.length === 0) return ok(undefined);
  const opening = ports.map((port) => `\`${unlockCommand(port)}\``).join(', ');
  return ok(
    `${what}: ${grants} grants are taken away there, and its ports stay locked; ${opening} opens them`,
  );
}

/** By the first of the files that is there. Undefined if it is the same bridge by the same name, or none of the kernel's. */
export function formerBridge(
  files: readonly string[],
  note: BridgeNote,
  { backend, switch: device }: Config,
): FormerBridge | undefined {
  const text = files.map(readText).find(({ ok }) => ok);
  if (text?.ok !== true || backend !== 'switchdev') return undefined;
  const { bridge, locks } = readLockFile(text.value);
  if (bridge === undefined) return undefined;
  const calledNow = note.calledNow(bridge) ?? bridge;
  return bridge === device.bridge && calledNow === bridge ? undefined : { bridge, calledNow, locks };
}

/**
 * Rules that bear its name say nothing any more, unless the configuration has that name still; to be called when those of the new one
 * stand. Nobody waits for it. One run each: a kernel that has no packet filter for bridges has the other one.
 */
export function removeFormerTables(
  { bridge }: FormerBridge,
  config: Config,
  onError: (message: string) => void,
): void {
  if (bridge === config.switch.bridge) return;
  const own = tableName(bridge);
  const tables = [
    `inet ${own}`,
    ...[own, strangersTable(bridge), lockTable(bridge)].map((name) => `bridge ${name}`),
  ];
  for (const table of tables) {
    nft(['-f', '-'], `table ${table} {}\ndelete table ${table}\n`, (result) => {
      if (!result.ok) onError(`table ${table} stands still: ${result.error}`);
    });
  }
}

interface Left {
  readonly grants: number;
  /** Locked. */
  readonly ports: readonly Pick<PortFacts, 'name' | 'mab' | 'unflooded'>[];
}

function takeBack(portauth: PortAuth, { locks }: FormerBridge): Result<Left, string> {
  const ports = portauth.ports().filter(({ name }) => locks(name));
  if (ports.length === 0) return ok({ grants: 0, ports: [] });
  const keys = grantsOn(portauth, new Map(ports.map(({ index, name }) => [index, name])));
  if (!keys.ok) return keys;
  const granted = new Set(keys.value.map(({ port }) => port));
  const opened = ports.filter(({ name, locked }) => !locked && granted.has(name));
  const setting = { locked: true, mab: false, unflooded: false } as const;
  const done = [
    ...portauth.setPorts(opened.map(({ name }) => ({ name, setting }))),
    ...portauth.revoke(keys.value),
  ];
  const failed = done.find((result) => !result.ok);
  if (failed?.ok === false) return failed;
  const shut = ports.filter(({ name, locked }) => locked || granted.has(name));
  return ok({ grants: keys.value.length, ports: shut });
}

/** Of its ports by whatever name; tried once. What is left in the notes would be done to the bridge of now. */
export function putVlansBack(portauth: PortAuth, bridge: string, memory: VlanMemory): Result<void, string> {
  const notes = memory.read(bridge);
  // Told by the first look.
  if (!notes.ok || notes.value.length === 0) return ok(undefined);
  const done = asFound(portauth, notes.value);
  const forgotten = memory.write([]);
  return done.ok ? forgotten : done;
}

function asFound(portauth: PortAuth, notes: readonly KeptVlan[]): Result<void, string> {
  const names = new Map(portauth.ports().map(({ index, name }) => [index, name]));
  const read = portauth.vlans();
  if (!read.ok || names.size === 0) return ok(undefined);
  const book = new VlanBook<never>({ create: false, uplinks: false });
  book.see(named(read.value, names));
  book.remember(ofPorts(notes, (ifindex) => names.get(ifindex)));
  let failed: Result<void, string> = ok(undefined);
  for (const name of names.values()) {
    const changes = book.changes(name);
    const done = portauth.setVlans(changes);
    if (done.ok) book.done(changes);
    else failed = done;
  }
  return failed;
}

function grantsOn(
  portauth: PortAuth,
  names: ReadonlyMap<number, PortName>,
): Result<readonly GrantKey[], string> {
  const dump = portauth.dump(() => readClocks().mono);
  if (!dump.ok) return dump;
  const keys: GrantKey[] = [];
  forEachEntry(dump.value.records, (mac48, vlan, ifindex, flags) => {
    const port = names.get(ifindex);
    if (port !== undefined && isGrant(flags))
      keys.push({ mac: macFromNumber(mac48), port, vlan: vlan as VlanId });
  });
  return ok(keys);
}
