// Who may have how many connections to the login page at the same time. Of all: one client an eighth, whatever addresses
// it has; one place (a port) a quarter, those who are in and those who are not each by themselves; and all who are
// not in together three quarters. So strangers, however many, keep nobody who is in from the page.

import type { Standing } from './visit.ts';

export class Shares {
  private readonly taken = new Map<string, number>();

  /** `most`: connections altogether. */
  constructor(private readonly most: number) {}

  /** `who`: the client. Undefined: there is no room for it; else what gives its place back, to be called once. */
  enter(who: string, { place, isIn }: Standing): (() => void) | undefined {
    const bounds: [name: string, most: number][] = [
      ['all', this.most],
      [`client ${who}`, this.share(1 / 8)],
      [`place ${place} ${isIn ? 'in' : 'out'}`, this.share(1 / 4)],
    ];
    if (!isIn) bounds.push(['all out', this.share(3 / 4)]);
    if (bounds.some(([name, most]) => this.count(name) >= most)) return undefined;
    for (const [name] of bounds) this.taken.set(name, this.count(name) + 1);
    return () => {
      for (const [name] of bounds) this.leave(name);
    };
  }

  private share(part: number): number {
    return Math.max(1, Math.floor(this.most * part));
  }

  private count(name: string): number {
    return this.taken.get(name) ?? 0;
  }

  private leave(name: string): void {
    const others = this.count(name) - 1;
    if (others > 0) this.taken.set(name, others);
    else this.taken.delete(name);
  }
}
