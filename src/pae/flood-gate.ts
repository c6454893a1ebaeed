// How much of one port's frames is listened to. A port may have as many frames a second as its limit; one that sends more
// is shut to strangers for a while, by the filter of its capture in the kernel, and then gets its share again:
//
//   OPEN ── the bucket is empty ─▶ SHUT: those whom the port knows are heard, each its share ── a while ─▶ OPEN
//
// A share is what the limit allows in SHUT_FOR. A turn of OPEN and SHUT takes that long, or longer while other ports are flooded,
// too, and in it a flood has two at most: one while the port is open, which is all for random MACs, since nobody knows them; one
// while it is shut, which all whom the port knows have together. So a flood with borrowed MACs is heard up to twice the limit. One
// of these MACs that has used up what is its own is heard no more until the port is open again, and its owner is not, either;
// when the whole share is gone, or the filter was changed NARROWINGS times, nobody of the port is. What the filter keeps
// back costs us nothing; what is in the capture's ring by then is read, refused and counted.
//
// A client that is known keeps its way while strangers flood its port, where the filter has room for its MAC; a newcomer there
// competes with the flood, which no switch can spare it: both are on one wire. What other ports may have is not touched; flooded
// ones have their turns less often for each other's sake.
//
// Bounds: as many MACs as the filter has room for, NARROWINGS changes of it while shut. Nothing is allocated while the port is
// open. Times are monotonic.

import type { Mac } from '../base/mac.ts';
import { after, type Instant, millis, NEVER, seconds } from '../base/time.ts';
import { type Pace, TokenBucket } from '../base/token-bucket.ts';

export interface FloodLimits {
  /** Frames of the port that are heard in a second, in the long run; while it is shut to strangers as many again, of those whom it knows. */
  readonly framesPerSecond: number;
  /** Frames at once, after a calm. */
  readonly framesBurst: number;
  /** Of them those of one MAC, while the port is flooded; less when many ports are. */
  readonly macFramesPerSecond: number;
}

export const FLOOD_LIMITS: FloodLimits = {
  framesPerSecond: 1000,
  framesBurst: 2000,
  macFramesPerSecond: 100,
};

/** How long strangers are not heard; longer while other ports are flooded, too. */
export const SHUT_FOR = millis(250);
/** A flood is over when the port has not been shut for so long: one that comes in gusts is told of once. */
export const CALM = seconds(30);

// A filter is charged to its socket as what the kernel makes of it, up to net.core.optmem_max: 128 KiB since Linux 6.8, 20 KiB
// before. One that has no room is refused, and then anybody is heard: there is no gate. (The 4,096 instructions that a filter
// may have are no bound: a MAC takes four.)

/** Octets that one MAC takes, measured as 260. */
const ROOM_OF_MAC = 300;
/** For what goes with the MACs: which protocols are heard. */
const ROOM_OF_OTHERS = 8192;
/** Whatever the kernel has room for. */
export const KNOWN_MOST = 256;
/** Whatever it has not. */
const KNOWN_LEAST = 8;
/** The lesser of the kernel's defaults, for where the system does not say. */
export const OPTMEM_DEFAULT = 20_480;

/** How many MACs the filter of a port may name where this is `net.core.optmem_max`. */
export function filterRoom(optmemMax: number): number {
  const room = Math.floor((optmemMax - ROOM_OF_OTHERS) / ROOM_OF_MAC);
  return Math.min(Math.max(room, KNOWN_LEAST), KNOWN_MOST);
}

/** Each costs about a millisecond; then nobody is heard until the port is open again. */
const NARROWINGS = 8;
/** Of the port's share, where it is shut for longer. */
const MOST_OF_ONE = 1 / 4;

export type FloodEffect =
  /** Let these through to us, or, without any named, everybody. */
  | { readonly type: 'hear'; readonly only?: readonly Mac[] }
  | { readonly type: 'flooded' }
  /** `refused`: frames that came to us, and that we did not look at. */
  | { readonly type: 'over'; readonly shut: number; readonly refused: number };

export interface FloodContext {
  /** Who has a session or an authentication on this port, those with a session first. */
  readonly known: () => readonly Mac[];
  /** How many of them the filter has room for; those that come last are strangers while the port is shut. */
  readonly room: () => number;
  /** How many times longer than SHUT_FOR it is shut, since other ports are flooded, too; 1 if it is the only one. */
  readonly times: () => number;
}

/** Why a frame that came in is not looked at; undefined = it is. */
export type FloodRefusal = 'port-flooded' | 'mac-flooded';

interface Shut {
  readonly until: Instant;
  /** What is left of the share of each. */
  readonly shares: Map<Mac, number>;
  /** What is left of the port's. */
  share: number;
  narrowings: number;
}

export interface Heard {
  readonly refusal?: FloodRefusal;
  readonly effects: readonly FloodEffect[];
}

const LISTENED: Heard = { effects: [] };

export class FloodGate {
  private readonly bucket: TokenBucket;
  private shut: Shut | undefined;
  /** Since the flood began; undefined = there is none. */
  private flood: { shutAt: Instant; shut: number; refused: number } | undefined;

  constructor(private limits: FloodLimits = FLOOD_LIMITS) {
    this.bucket = new TokenBucket(paceOf(limits));
  }

  configure(limits: FloodLimits): void {
    this.limits = limits;
    this.bucket.configure(paceOf(limits));
  }

  get isFlooded(): boolean {
    return this.flood !== undefined;
  }

  pollAt(): Instant {
    if (this.shut !== undefined) return this.shut.until;
    return this.flood === undefined ? NEVER : after(this.flood.shutAt, CALM);
  }

  /**
   * A frame came in; the context is asked only when the port is to be shut.
   */
  frame(mac: Mac, now: Instant, context: FloodContext): Heard {
    if (this.shut !== undefined) return this.whileShut(this.shut, mac);
    if (this.bucket.take(now)) return LISTENED;
    return this.shutOut(mac, now, context);
  }

  /** The time that `pollAt` told has come. */
  tick(now: Instant): readonly FloodEffect[] {
    if (this.shut !== undefined && this.shut.until <= now) {
      this.shut = undefined;
      // One share, however long it was shut: what was not heard is no claim.
      this.bucket.leave(this.shareOf(this.limits.framesPerSecond), now);
      return [{ type: 'hear' }];
    }
    const { flood } = this;
    if (flood === undefined || this.pollAt() > now) return [];
    this.flood = undefined;
    return [{ type: 'over', shut: flood.shut, refused: flood.refused }];
  }

  private shutOut(mac: Mac, now: Instant, context: FloodContext): Heard {
    const isNew = this.flood === undefined;
    const flood = this.flood ?? { shutAt: now, shut: 0, refused: 0 };
    flood.shutAt = now;
    flood.shut += 1;
    this.flood = flood;
    const known = context.known().slice(0, context.room());
    const times = context.times();
    const share = this.shareOfEach(times);
    this.shut = {
      until: after(now, millis(SHUT_FOR * times)),
      shares: new Map(known.map((each) => [each, share])),
      share: this.shareOf(this.limits.framesPerSecond),
      narrowings: 0,
    };
    const { refusal, effects } = this.whileShut(this.shut, mac);
    const begun: readonly FloodEffect[] = isNew ? [{ type: 'flooded' }] : [];
    // A narrowing that the same frame asks for says all of it.
    const hear: readonly FloodEffect[] = effects.length > 0 ? effects : [{ type: 'hear', only: known }];
    return { ...(refusal === undefined ? {} : { refusal }), effects: [...begun, ...hear] };
  }

  private whileShut(shut: Shut, mac: Mac): Heard {
    const left = shut.shares.get(mac);
    // It was in the ring already, or is one of those that were heard too often.
    if (left === undefined) return this.refused('port-flooded');
    if (left >= 1 && shut.share >= 1) {
      shut.shares.set(mac, left - 1);
      shut.share -= 1;
      return LISTENED;
    }
    shut.narrowings += 1;
    shut.shares.delete(mac);
    if (shut.share < 1 || shut.narrowings >= NARROWINGS) shut.shares.clear();
    return this.refused('mac-flooded', [{ type: 'hear', only: [...shut.shares.keys()] }]);
  }

  private refused(refusal: FloodRefusal, effects: readonly FloodEffect[] = []): Heard {
    if (this.flood !== undefined) this.flood.refused += 1;
    return { refusal, effects };
  }

  /**
   * Of those who are known, for as long as the port is shut. All of them together have one share of the port's, however long that
   * is: one who floods must not use it up for the others.
   */
  private shareOfEach(times: number): number {
    const { framesPerSecond, macFramesPerSecond } = this.limits;
    const once = Math.max(1, this.shareOf(macFramesPerSecond));
    const most = Math.max(once, this.shareOf(framesPerSecond) * MOST_OF_ONE);
    return Math.min(once * times, most);
  }

  private shareOf(perSecond: number): number {
    return (perSecond * SHUT_FOR) / 1000;
  }
}

function paceOf({ framesPerSecond, framesBurst }: FloodLimits): Pace {
  return { perSecond: framesPerSecond, burst: framesBurst };
}

/** Strangers of all flooded ports are heard no more than this often in a second: their turns come less often instead. No port may have more. */
export const FLOODED_TOTAL = 4000;
/** As for 48 ports of 1,000 frames a second: three seconds. Whoever logs in waits for it, and a flood must not seem to be over meanwhile. */
const TIMES_MOST = 12;

/** How many times longer each of so many flooded ports is shut. */
export function timesShut(flooded: number, { framesPerSecond }: FloodLimits): number {
  return Math.min(Math.max(1, (flooded * framesPerSecond) / FLOODED_TOTAL), TIMES_MOST);
}
