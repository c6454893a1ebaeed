// Which ports we have taken down on a server's word: on disk from before the link goes until it is up again, so that the
// next start knows of it whatever ended this one.

import { readFileSync } from 'node:fs';
import { ok, type Result } from '../base/result.ts';
import type { PortName } from '../model/dataplane.ts';
import { HOLD_KINDS, type HoldKind } from '../model/port.ts';
import { attempt, replaceFile } from './files.ts';

export class HeldPorts {
  private readonly held = new Map<PortName, HoldKind>();

  /** A file that is not there, or makes no sense, says nothing. */
  constructor(private readonly path: string) {
    const text = attempt(() => ok(readFileSync(path, 'utf8')));
    const said = text.ok ? parsed(text.value) : {};
    for (const [port, kind] of Object.entries(said)) {
      const known = HOLD_KINDS.find((each) => each === kind);
      if (known !== undefined) this.held.set(port as PortName, known);
    }
  }

  all(): ReadonlyMap<PortName, HoldKind> {
    return this.held;
  }

  /** On disk when it returns. */
  add(ports: readonly { readonly port: PortName; readonly kind: HoldKind }[]): Result<void, string> {
    for (const { port, kind } of ports) this.held.set(port, kind);
    return this.write();
  }

  remove(ports: readonly PortName[]): Result<void, string> {
    const had = ports.filter((port) => this.held.delete(port));
    return had.length === 0 ? ok(undefined) : this.write();
  }

  private write(): Result<void, string> {
    return replaceFile(this.path, `${JSON.stringify(Object.fromEntries(this.held))}\n`);
  }
}

function parsed(text: string): object {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
