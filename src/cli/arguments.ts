// What an argument of the command line must be; the error completes "error: ... is invalid. ".

import { InvalidArgumentError } from 'commander';

const LONGEST_WAIT_S = 86_400;

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('not a number of 0 or more.');
  return value;
}

/** Seconds. A timer of Node's that is to wait for 25 days or more waits for nothing. */
export function waitingTime(text: string): number {
  const value = number(text);
  if (value === 0 || value > LONGEST_WAIT_S)
    throw new InvalidArgumentError(`not more than 0 and at most ${LONGEST_WAIT_S}.`);
  return value;
}

export function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('not a whole number 1..999999.');
  return Number(text);
}

/** As many events as an answer can have. */
export function eventCount(text: string): number {
  const value = wholeNumber(text);
  if (value > 1000) throw new InvalidArgumentError('not a whole number 1..1000.');
  return value;
}

export function filePath(text: string): string {
  if (text === '') throw new InvalidArgumentError('it is empty.');
  return text;
}

/** A null would not survive commander. */
export function numberOrNone(text: string): number | 'none' {
  return text === 'none' ? 'none' : number(text);
}

export function oneOf(allowed: readonly string[]): (text: string) => string {
  return (text) => {
    if (!allowed.includes(text)) throw new InvalidArgumentError(`it is one of ${allowed.join(', ')}.`);
    return text;
  };
}

export function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('it is yes or no.');
  return text === 'yes';
}
