// Slips of the pen that a check has to find, since the agent would not start with them, and what a fault says to help.

import { describe, expect, test } from 'vitest';
import { err } from '../../src/base/result.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { MINIMAL } from './samples.ts';

function faults(text: string): string[] {
  const parsed = parseConfig(text, (path) => err(`no such file: ${path}`));
  return parsed.ok ? [] : parsed.error.map(describeFault);
}

describe("a broker's url", () => {
  const of = (url: string) => faults(`${MINIMAL}mqtt: {url: "${url}"}\n`);

  test.each([
    'mqtt://127.0.0.1:99999',
    'mqtt://127.0.0.1:18x',
    'mqtt://a:b:c',
    'mqtt://[::1',
    'mqtt://[fe80::1%eth0]',
    'mqtt://:1883',
    'mqtt://192.0.2.9:0',
    'ws://127.0.0.1:77777/x',
    'ws://300.1.1.1/',
  ])('%s is none', (url) => {
    expect(of(url)).toEqual([
      expect.stringMatching(/^mqtt\.url \(line 3\): the value is not .*\(IPv6 in brackets\).*1\.\.65535/),
    ]);
  });

  test.each([
    'mqtt://[::1]:1883',
    'mqtts://broker.example',
    'ws://192.0.2.9/mqtt?a=b',
    'wss://broker.example:443/x',
  ])('%s is one', (url) => expect(of(url)).toEqual([]));
});
