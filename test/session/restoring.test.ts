import { expect, it } from 'vitest';
import { type Found, judgeKept } from '../../src/session/restoring.ts';

const PORT = { control: 'auto', adminUp: true, linkUp: true, linkChanges: 0, heardLately: false } as const;
const GOOD: Found = { sameBoot: true, port: PORT, granted: true, replaced: false };

const CASES: readonly (readonly [what: string, change: Partial<Found>, verdict: string])[] = [
  ['everything as it was', {}, 'adopt'],
  ['the machine was booted', { sameBoot: false }, 'lost nas-reboot'],
  ['booted, and the port is gone', { sameBoot: false, port: undefined }, 'lost nas-reboot'],
  ['the port is gone', { port: undefined }, 'lost port-removed'],
  ['the entry is gone', { granted: false }, 'lost nas-reboot'],
  ['the client is in again', { replaced: true }, 'lost nas-reboot'],
  ['the link is down', { port: { ...PORT, linkUp: false } }, 'end port-down'],
  ['down, but not for long', { port: { ...PORT, linkUp: false, heardLately: true } }, 'adopt'],
  ['down since', { port: { ...PORT, linkUp: false, linkChanges: 1, heardLately: true } }, 'adopt'],
  ['down and up again', { port: { ...PORT, linkChanges: 2, heardLately: true } }, 'end port-down'],
  ['up again that was stored as down', { port: { ...PORT, linkChanges: 1 } }, 'end port-down'],
  [
    'down, up and down again',
    { port: { ...PORT, linkUp: false, linkChanges: 3, heardLately: true } },
    'end port-down',
  ],
  ['the port is down', { port: { ...PORT, adminUp: false, linkUp: false } }, 'end port-disabled'],
  [
    'the link is down and the entry gone',
    { port: { ...PORT, linkUp: false }, granted: false },
    'lost nas-reboot',
  ],
  ['closed', { port: { ...PORT, control: 'force-unauthorized' } }, 'end force-unauthorized'],
  ['open for all', { port: { ...PORT, control: 'force-authorized' } }, 'end port-reinit'],
  ['not ours', { port: { ...PORT, control: 'off' } }, 'end port-reinit'],
  ['an uplink', { port: { ...PORT, control: undefined } }, 'end port-reinit'],
  ['its method is off', { methodOff: true }, 'end port-reinit'],
];

it.each(CASES)('%s', (_, change, wanted) => {
  const verdict = judgeKept(2, { ...GOOD, ...change });
  expect(verdict.do === 'adopt' ? verdict.do : `${verdict.do} ${verdict.cause}`).toBe(wanted);
});

it('an address behind the switch has no port, and needs none', () => {
  const found = { sameBoot: true, granted: true, replaced: false };
  expect(judgeKept(3, found)).toEqual({ do: 'adopt' });
  expect(judgeKept(3, { ...found, granted: false })).toMatchObject({ do: 'lost', cause: 'nas-reboot' });
});
