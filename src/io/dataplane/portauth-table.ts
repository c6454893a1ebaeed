// The authorization table as the library writes and reads it: grants by their keys, and the whole table in one dump.

import { err, ok, type Result } from '../../base/result.ts';
import { elapsed, type Instant } from '../../base/time.ts';
import type { GrantKey, TableDump } from '../../model/dataplane.ts';
import { TABLE_RECORD_OCTETS } from '../../wire/fdb-table.ts';
import * as abi from './portauth-abi.ts';
import { NO_PORT, type PortRecords } from './portauth-ports.ts';

const DUMP_TRIES = 4;

export class TableRecords {
  private readonly keys = new abi.RecordBuffer(abi.KEY_OCTETS, 256);
  private readonly entries = new abi.RecordBuffer(TABLE_RECORD_OCTETS, 1024);
  private readonly needed = new Uint32Array(1);

  constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
    private readonly ports: PortRecords,
  ) {}

  /** A result each, in order. */
  write(verb: 'grant' | 'revoke' | 'watch', keys: readonly GrantKey[]): readonly Result<void, string>[] {
    const buffer = this.keys;
    buffer.grow(keys.length);
    keys.forEach((key, index) => {
      abi.writeKey(buffer, index, key, this.ports.indexOf(key.port));
    });
    if (keys.length > 0) this.native[verb](this.handle, buffer.bytes, keys.length);
    return this.ports.results(keys.length, {
      resultOf: (i) => buffer.view.getInt32(i * abi.KEY_OCTETS + abi.KEY_RESULT, true),
      isNamed: (i) => buffer.view.getUint32(i * abi.KEY_OCTETS + abi.KEY_IFINDEX, true) !== NO_PORT,
      describe: (i) => {
        const key = keys[i];
        return `${verb} ${key?.mac}${key?.vlan ? ` VLAN ${key.vlan}` : ''} on port ${key?.port}`;
      },
    });
  }

  /** `records` is a view of a buffer that the next dump overwrites. `at` is the moment before the dump. */
  dump(clock: () => Instant): Result<TableDump, string> {
    const { entries } = this;
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const at = clock();
      const count = this.native.tableDump(this.handle, entries.bytes, entries.capacity, this.needed);
      if (count >= 0) {
        const records = entries.bytes.subarray(0, count * TABLE_RECORD_OCTETS);
        return ok({ at, tookMs: elapsed(at, clock()), records });
      }
      if (count !== abi.ENOBUFS) break;
      const needed = this.needed[0] ?? 0;
      entries.grow(needed + (needed >> 2) + 64);
    }
    return err(this.native.lastError(this.handle));
  }
}
