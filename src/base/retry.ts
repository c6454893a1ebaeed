// How long until what the data plane did not do is tried again: for ever, 1 s doubling to 30 s.

import { type Millis, seconds } from './time.ts';

const FIRST = seconds(1);
const MOST = seconds(30);

/** After the `tries`th failure in a row, from 1. */
export function retryDelay(tries: number): Millis {
  return Math.min(FIRST * 2 ** (tries - 1), MOST) as Millis;
}
