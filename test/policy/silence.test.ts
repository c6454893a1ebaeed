// The heartbeat functions for neither L3 nor out-of-band users, but for L3 behind a first hop that answers ARP.

import { expect, it } from 'vitest';
import { judgedBySilence, type SilenceTimers, type Standing } from '../../src/policy/silence.ts';

const timers = (handshake: boolean, heartbeat: boolean, idle: boolean): SilenceTimers => ({
  handshake,
  heartbeat,
  idle,
});

it.each<readonly [string, Standing, SilenceTimers]>([
  ['in band', { layer: 2, inBand: true, kept: false }, timers(true, true, true)],
  ['in band, to be kept', { layer: 2, inBand: true, kept: true }, timers(true, false, true)],
  ['out of band', { layer: 2, inBand: false, kept: false }, timers(false, false, false)],
  ['out of band, to be kept', { layer: 2, inBand: false, kept: true }, timers(false, false, false)],
  ['L3', { layer: 3, firstHop: false }, timers(false, false, false)],
  ['L3, by the first hop', { layer: 3, firstHop: true }, timers(true, true, false)],
])('%s', (_, standing, judged) => {
  expect(judgedBySilence(standing)).toEqual(judged);
});
