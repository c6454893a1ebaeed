// What ports were before the agent changed their VLANs, on disk: written before each change, so that the next start finds
// the way back after a kill. One small file, replaced whole; gone when there is nothing to remember. A port is known by its ifindex,
// since its name may be another one's by then; so what is of another boot of the machine says nothing, and there is nothing to go back from.
// Nor is there for a bridge that was made anew: its ports lost what was set when they left the other one, and keep their ifindexes.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { KeptVlan } from '../../authz/vlan-book.ts';
import { present } from '../../base/present.ts';
import { err, messageOf, ok, type Result } from '../../base/result.ts';
import type { PortName, VlanChange } from '../../model/dataplane.ts';
import { HIGHEST_VLAN_ID } from '../../wire/ethernet.ts';
import { attempt, replaceFile } from '../files.ts';
import { interfaceIndex } from './interfaces.ts';

const FILE = 'vlans.json';

const Memory = Type.Object({
  version: Type.Literal(1),
  /** Of the machine: after another one all ports are as its network configuration says. An agent of before 2026-11-26 does not say. */
  boot: Type.Optional(Type.String()),
  /** The ifindex of the bridge, where the kernel has one for it. */
  bridge: Type.Optional(Type.Integer({ minimum: 1 })),
  found: Type.Array(
    Type.Object({
      port: Type.Optional(Type.String({ minLength: 1, maxLength: 15 })),
      ifindex: Type.Optional(Type.Integer({ minimum: 1 })),
      vlan: Type.Integer({ minimum: 1, maximum: HIGHEST_VLAN_ID }),
      member: Type.Optional(Type.Object({ pvid: Type.Boolean(), untagged: Type.Boolean() })),
    }),
    { maxItems: 100_000 },
  ),
});

export class VlanMemory {
  private readonly path: string;
  private onDisk: readonly KeptVlan[] = [];
  /** What is to be there and could not be written. */
  private unwritten: readonly KeptVlan[] | undefined;
  /** Of the bridge that was there last. */
  private bridgeIndex: number | undefined;

  /** `boot`: of the machine. */
  constructor(
    stateDir: string,
    private readonly boot: string,
    private readonly bridge: string,
    private readonly indexOf: (name: string) => number | undefined = interfaceIndex,
  ) {
    this.path = join(stateDir, FILE);
  }

  /** `bridge`: what the one that they are about is called now. */
  read(bridge: string = this.bridge): Result<readonly KeptVlan[], string> {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (cause) {
      return (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? ok([])
        : err(`read ${this.path}: ${messageOf(cause)}`);
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      return err(`read ${this.path}: ${messageOf(cause)}`);
    }
    if (!Check(Memory, value)) return err(`read ${this.path}: it is not what an agent writes`);
    if (value.boot !== undefined && value.boot !== this.boot) return ok([]);
    if (value.bridge !== undefined && value.bridge !== this.indexOf(bridge)) return ok([]);
    this.bridgeIndex = value.bridge;
    // Perhaps of another boot: another port may have that ifindex.
    const isDoubtful = ({ port, ifindex }: (typeof value.found)[number]): boolean =>
      value.boot === undefined && port !== undefined && (this.indexOf(port) ?? ifindex) !== ifindex;
    const found = value.found.filter((note) => !isDoubtful(note));
    const kept = found.map(({ vlan, port, ...about }) => ({
      vlan,
      ...present({ port: port as PortName | undefined, ...about }),
    }));
    this.onDisk = kept;
    return ok(kept);
  }

  /** On disk when it returns. */
  write(found: readonly KeptVlan[]): Result<void, string> {
    const written = found.length === 0 ? this.forget() : this.replace(found);
    if (written.ok) this.onDisk = found;
    this.unwritten = written.ok ? undefined : found;
    return written.ok ? written : err(`write ${this.path}: ${written.error}`);
  }

  /**
   * Whether the way back from these changes is on disk; what could not be written is tried again. A way back itself was
   * noted before the way there was taken, so it is never held up.
   */
  secure(changes: readonly VlanChange[]): Result<void, string> {
    const { unwritten } = this;
    const isNoted = ({ port, vlan }: VlanChange): boolean =>
      this.onDisk.some((note) => note.port === port && note.vlan === vlan);
    return unwritten === undefined || changes.every(isNoted) ? ok(undefined) : this.write(unwritten);
  }

  /** Its going is not made durable: one that comes back after a power cut leads to what the ports were at first. */
  private forget(): Result<void, string> {
    return attempt(() => {
      rmSync(this.path, { force: true });
      return ok(undefined);
    });
  }

  private replace(found: readonly KeptVlan[]): Result<void, string> {
    this.bridgeIndex = this.indexOf(this.bridge) ?? this.bridgeIndex;
    const about = present({ version: 1, boot: this.boot, bridge: this.bridgeIndex });
    return replaceFile(this.path, `${JSON.stringify({ ...about, found })}\n`);
  }
}
