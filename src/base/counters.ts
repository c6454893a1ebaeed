// Named counters. A name is made on first use, so a report shows only what has happened.

export class Counters<Name extends string = string> {
  private readonly counts = new Map<Name, number>();

  add(name: Name, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  get(name: Name): number {
    return this.counts.get(name) ?? 0;
  }

  /** Sorted by name, for a stable report. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
