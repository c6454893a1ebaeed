// The demo's timeline: one line for each thing that some side has seen, in the order in which it was seen.

import pc from 'picocolors';

/** Who saw it. */
export type Side = 'story' | 'client' | 'bridge' | 'radius' | 'mqtt';

const PAINT: Readonly<Record<Side, (text: string) => string>> = {
  story: (text) => pc.bold(text),
  client: pc.yellow,
  bridge: pc.green,
  radius: pc.magenta,
  mqtt: pc.cyan,
};

const LABEL: Readonly<Record<Side, string>> = {
  story: '',
  client: 'client wire',
  bridge: 'bridge fdb',
  radius: 'RADIUS',
  mqtt: 'MQTT',
};

export interface Sighting {
  /** Seconds since the demo's first line. */
  readonly at: number;
  readonly side: Side;
  readonly text: string;
}

export class Timeline {
  private readonly origin = performance.now();
  private readonly seen: Sighting[] = [];

  /** Seconds since the first line. */
  get now(): number {
    return (performance.now() - this.origin) / 1000;
  }

  get sightings(): readonly Sighting[] {
    return this.seen;
  }

  add(side: Side, text: string): void {
    const at = this.now;
    this.seen.push({ at, side, text });
    const time = pc.dim(`${at.toFixed(2).padStart(6)} s`);
    if (side === 'story') process.stdout.write(`${time}  ${pc.bold(`▸ ${text}`)}\n`);
    else process.stdout.write(`${time}    ${PAINT[side](LABEL[side].padEnd(12))} ${text}\n`);
  }

  /** When something like this was last seen; undefined = never. */
  lastOf(side: Side, pattern: RegExp): number | undefined {
    return this.seen.findLast((each) => each.side === side && pattern.test(each.text))?.at;
  }

  count(side: Side, pattern: RegExp): number {
    return this.seen.filter((each) => each.side === side && pattern.test(each.text)).length;
  }
}
