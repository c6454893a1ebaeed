// Which ports we have taken down on a server's word: on disk from before the link goes until it is up again, so that the
// next start knows of it whatever ended this one.

import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';
import { HOLD_KINDS, type HoldKind } from '../../model/port.ts';
import { attempt, replaceFile } from '../files.ts';
import type { PortAuth } from './portauth.ts';

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

interface LinkChange {
  readonly port: PortName;
  readonly up: boolean;
  readonly kind: HoldKind;
}

interface LinkWork {
  readonly portauth: Pick<PortAuth, 'setLinks'>;
  readonly heldPorts: HeldPorts;
  readonly wanted: readonly LinkChange[];
  readonly warn: (message: string) => void;
}

/** A result for each. What cannot be marked is not taken down: nobody would set it up again after our death. */
export function setLinks({ portauth, heldPorts, wanted, warn }: LinkWork): readonly Result<void, string>[] {
  const lowered = wanted.filter(({ up }) => !up);
  const marked = lowered.length === 0 ? ok(undefined) : heldPorts.add(lowered);
  const possible = marked.ok ? wanted : wanted.filter(({ up }) => up);
  const results = portauth.setLinks(possible.map(({ port, up }) => ({ name: port, up })));
  const ofChange = new Map(possible.map((change, i) => [change, results[i]]));
  const isUp = (change: LinkChange): boolean => change.up === (ofChange.get(change)?.ok ?? false);
  const unmarked = heldPorts.remove(possible.filter(isUp).map(({ port }) => port));
  if (!unmarked.ok) warn(`cannot note that ports are up again: ${unmarked.error}`);
  const refused = err(
    marked.ok ? 'the data plane gave no result' : `cannot be noted on disk: ${marked.error}`,
  );
  return wanted.map((change) => ofChange.get(change) ?? refused);
}

function parsed(text: string): object {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
