// The machine's own clock: CLOCK_MONOTONIC, which counts from its boot and is the same for every process.

import { readFileSync } from 'node:fs';
import type { MachineClock } from '../../base/time.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const NS_PER_MS = 1e6;

/** Where the kernel does not say which boot this is, it is one of its own: nothing of an earlier run is believed. */
export function machineClock(): MachineClock {
  const origin = Number(process.hrtime.bigint()) / NS_PER_MS - performance.now();
  return { boot: bootId(), origin };
}

function bootId(): string {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim();
  } catch {
    return `unknown-${process.pid}-${Date.now()}`;
  }
}
