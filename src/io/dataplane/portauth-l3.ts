// The routed path (native/include/portauth.h, pa_l3_*): which addresses pass from and to the ingress interfaces. Somebody
// who flushes nftables, as firewalls do when they are reloaded, takes our table or its rules along, and the path is open: it
// is shut again by whatever call finds that out, with nobody granted, and `onLost` hears of it.

import type { Ip } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import * as abi from './portauth-abi.ts';

export interface RoutedPathSettings {
  /** Names of interfaces that need not be there yet. */
  readonly ingress: readonly string[];
  /** Pass without a session. */
  readonly exempt: readonly Ip[];
}

export class RoutedPath {
  private readonly buffer = new abi.RecordBuffer(abi.ADDRESS_OCTETS, 256);
  private readonly needed = new Uint32Array(1);

  private constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
    private readonly settings: RoutedPathSettings,
    private readonly onLost: () => void,
  ) {}

  /** Shuts the path, with nobody granted; the error is a sentence. */
  static open(
    native: abi.Library,
    handle: abi.Handle,
    settings: RoutedPathSettings,
    onLost: () => void,
  ): Result<RoutedPath, string> {
    const path = new RoutedPath(native, handle, settings, onLost);
    const shut = path.shut();
    return shut.ok ? ok(path) : shut;
  }

  /** Puts addresses into a set; a result each, in order. */
  add(set: abi.L3Set, addresses: readonly Ip[]): readonly Result<void, string>[] {
    return this.change('add', set, addresses);
  }

  /** Takes them out of it, proven. */
  remove(set: abi.L3Set, addresses: readonly Ip[]): readonly Result<void, string>[] {
    return this.change('remove', set, addresses);
  }

  /** Of `granted`: finds out, too, whether anything of the table is not as we made it. */
  list(set: abi.L3Set): Result<readonly Ip[], string> {
    let count = this.fill(set);
    if (count === abi.ENOENT) {
      const shut = this.shutAgain();
      if (!shut.ok) return shut;
      count = 0;
    }
    if (count < 0) return err(this.lastError());
    return ok(Array.from({ length: count }, (_, i) => abi.readAddress(this.buffer, i)));
  }

  private change(
    verb: 'add' | 'remove',
    set: abi.L3Set,
    addresses: readonly Ip[],
  ): readonly Result<void, string>[] {
    if (addresses.length === 0) return [];
    if (this.call(verb, set, addresses) === abi.ENOENT) {
      const shut = this.shutAgain();
      if (!shut.ok) return addresses.map(() => shut);
      this.call(verb, set, addresses);
    }
    const results = addresses.map((_, i) =>
      this.buffer.view.getInt32(i * abi.ADDRESS_OCTETS + abi.ADDRESS_RESULT, true),
    );
    const whole = results.filter((result) => result < 0).length === 1 ? this.lastError() : undefined;
    return results.map((result, i) =>
      result >= 0
        ? ok(undefined)
        : err(whole ?? `${verb} ${addresses[i]} of ${set}: ${this.native.errnoText(result)}`),
    );
  }

  private call(verb: 'add' | 'remove', set: abi.L3Set, addresses: readonly Ip[]): number {
    this.write(addresses);
    const call = verb === 'add' ? this.native.l3Add : this.native.l3Remove;
    return call(this.handle, abi.L3_SETS[set], this.buffer.bytes, addresses.length);
  }

  private fill(set: abi.L3Set): number {
    for (;;) {
      const { bytes, capacity } = this.buffer;
      const count = this.native.l3List(this.handle, abi.L3_SETS[set], bytes, capacity, this.needed);
      if (count !== abi.ENOBUFS) return count;
      this.buffer.grow((this.needed[0] ?? 0) + 64);
    }
  }

  private shutAgain(): Result<void, string> {
    const shut = this.shut();
    if (shut.ok) this.onLost();
    return shut;
  }

  private shut(): Result<void, string> {
    const { ingress, exempt } = this.settings;
    this.write(exempt);
    const result = this.native.l3Open(this.handle, ingress.join(','), this.buffer.bytes, exempt.length);
    return result < 0 ? err(this.lastError()) : ok(undefined);
  }

  private write(addresses: readonly Ip[]): void {
    this.buffer.grow(addresses.length);
    for (const [i, ip] of addresses.entries()) abi.writeAddress(this.buffer, i, ip);
  }

  private lastError(): string {
    return this.native.lastError(this.handle);
  }
}
