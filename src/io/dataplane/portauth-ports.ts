// The ports of the bridge as the library reads and sets them, and which ifindex each name has: records bear the one, the agent
// knows the other.

import { err, ok, type Result } from '../../base/result.ts';
import type { DataplaneEvent, PortFacts, PortName, PortSetting } from '../../model/dataplane.ts';
import * as abi from './portauth-abi.ts';

/** No interface has this ifindex. */
export const NO_PORT = 0;

export interface PortCounters {
  /** From the client. */
  readonly rxPackets: number;
  readonly rxOctets: number;
  /** To the client. */
  readonly txPackets: number;
  readonly txOctets: number;
}

/** What came of the records of one call. */
export interface Outcome {
  readonly resultOf: (index: number) => number;
  /** The record was of a port that there is. */
  readonly isNamed: (index: number) => boolean;
  readonly describe: (index: number) => string;
}

export class PortRecords {
  private readonly buffer = new abi.RecordBuffer(abi.PORT_OCTETS, 64);
  private readonly settings = new abi.RecordBuffer(abi.PORT_SETTING_OCTETS, 64);
  private readonly needed = new Uint32Array(1);
  private readonly indexByName = new Map<PortName, number>();
  private readonly nameByIndex = new Map<number, PortName>();

  constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
  ) {}

  read(): Result<readonly PortFacts[], string> {
    const count = this.fill();
    if (!count.ok) return count;
    const ports: PortFacts[] = [];
    for (let i = 0; i < count.value; i++) {
      const port = abi.readPort(this.buffer, i);
      this.remember(port.name, port.index);
      ports.push(port);
    }
    return ok(ports);
  }

  counters(): ReadonlyMap<PortName, PortCounters> {
    const read = this.fill();
    const count = read.ok ? read.value : 0;
    const { bytes, view } = this.buffer;
    const counters = new Map<PortName, PortCounters>();
    for (let i = 0; i < count; i++) {
      const at = i * abi.PORT_OCTETS;
      counters.set(abi.readName(bytes, at + 8) as PortName, {
        rxPackets: Number(view.getBigUint64(at + 32, true)),
        rxOctets: Number(view.getBigUint64(at + 40, true)),
        txPackets: Number(view.getBigUint64(at + 48, true)),
        txOctets: Number(view.getBigUint64(at + 56, true)),
      });
    }
    return counters;
  }

  set(
    wanted: readonly { readonly name: PortName; readonly setting: PortSetting }[],
  ): readonly Result<void, string>[] {
    const records = wanted.map(({ name, setting: { locked, mab, unflooded } }) => ({
      name,
      flags:
        abi.PORT_LEARNING |
        (locked ? abi.PORT_LOCKED : 0) |
        (mab ? abi.PORT_MAB : 0) |
        (unflooded ? abi.PORT_UNFLOODED : 0),
    }));
    return this.write('portSet', records, (i) => {
      return `${wanted[i]?.setting.locked ? 'lock' : 'unlock'} port ${wanted[i]?.name}`;
    });
  }

  setLinks(
    wanted: readonly { readonly name: PortName; readonly up: boolean }[],
  ): readonly Result<void, string>[] {
    const records = wanted.map(({ name, up }) => ({ name, flags: up ? abi.PORT_ADMIN_UP : 0 }));
    return this.write('linkSet', records, (i) => {
      return `set port ${wanted[i]?.name} ${wanted[i]?.up ? 'up' : 'down'}`;
    });
  }

  /** NO_PORT if there is no such port: the library then refuses, or finds nothing to revoke. */
  indexOf(name: PortName): number {
    const known = this.indexByName.get(name);
    if (known !== undefined) return known;
    this.read();
    return this.indexByName.get(name) ?? NO_PORT;
  }

  /** Of a port that has been read or told of. */
  nameOf(index: number): PortName | undefined {
    return this.nameByIndex.get(index);
  }

  follow(event: DataplaneEvent): void {
    if (event.type === 'port-added') this.remember(event.port.name, event.port.index);
    if (event.type === 'port-gone') {
      const index = this.indexByName.get(event.name);
      this.indexByName.delete(event.name);
      if (index !== undefined) this.giveUp(event.name, index);
    }
  }

  /**
   * The library keeps one sentence, so only a single failure has it; of several, each gets its errno's. Nor can it
   * name a port that it never heard of.
   */
  results(count: number, of: Outcome): readonly Result<void, string>[] {
    let failures = 0;
    let gone = false;
    for (let i = 0; i < count; i++) {
      if (of.resultOf(i) < 0) failures++;
      if (of.resultOf(i) === abi.ENODEV) gone = true;
    }
    const whole = failures === 1 ? this.native.lastError(this.handle) : undefined;
    // The port may have been made anew, and the event of that not been read yet: the next try finds it.
    if (gone) this.read();
    const done = ok(undefined);
    return Array.from({ length: count }, (_, i) => {
      const result = of.resultOf(i);
      if (result >= 0) return done;
      if (!of.isNamed(i)) return err(`${of.describe(i)}: ${this.native.errnoText(abi.ENODEV)}`);
      return err(whole || `${of.describe(i)}: ${this.native.errnoText(result)}`);
    });
  }

  private write(
    call: 'portSet' | 'linkSet',
    records: readonly { readonly name: PortName; readonly flags: number }[],
    describe: Outcome['describe'],
  ): readonly Result<void, string>[] {
    const buffer = this.settings;
    buffer.grow(records.length);
    records.forEach(({ name, flags }, index) => {
      const at = index * abi.PORT_SETTING_OCTETS;
      buffer.view.setUint32(at, this.indexOf(name), true);
      buffer.view.setUint32(at + 4, flags, true);
    });
    if (records.length > 0) this.native[call](this.handle, buffer.bytes, records.length);
    return this.results(records.length, {
      resultOf: (i) => buffer.view.getInt32(i * abi.PORT_SETTING_OCTETS + abi.PORT_SETTING_RESULT, true),
      isNamed: (i) => buffer.view.getUint32(i * abi.PORT_SETTING_OCTETS, true) !== NO_PORT,
      describe,
    });
  }

  /** How many are in the buffer. */
  private fill(): Result<number, string> {
    for (;;) {
      const { bytes, capacity } = this.buffer;
      const count = this.native.ports(this.handle, bytes, capacity, this.needed);
      // No such bridge, and so no ports.
      if (count >= 0 || count === abi.ENODEV) return ok(Math.max(count, 0));
      if (count !== abi.ENOBUFS) return err(this.native.lastError(this.handle));
      this.buffer.grow((this.needed[0] ?? 0) + 16);
    }
  }

  private remember(name: PortName, index: number): void {
    const before = this.indexByName.get(name);
    if (before !== undefined && before !== index) this.giveUp(name, before);
    this.indexByName.set(name, index);
    this.nameByIndex.set(index, name);
  }

  /** It may have another name already. */
  private giveUp(name: PortName, index: number): void {
    if (this.nameByIndex.get(index) === name) this.nameByIndex.delete(index);
  }
}
