// The list of certified devices and the DHCP watch in the configuration file: `certified_devices`, `dhcp_watch`.

import { Type } from 'typebox';
import { CERTIFIED_DEFAULTS } from '../policy/certified-rules.ts';
import { DHCP_WATCH_DEFAULTS } from '../policy/dhcp-watch.ts';
import { count, flag, pattern, strict, text, time, timeOrOff } from './scalars.ts';

const ClearRule = Type.Object(
  {
    every_s: time({ description: 'Between two runs, by the wall clock, restarts or not.' }),
    first_at: Type.Optional({
      ...pattern('a time of day in UTC, such as 03:00Z', '^([01][0-9]|2[0-3]):[0-5][0-9]Z$'),
      description: 'Time of day of the first run; left out: every_s after the rule came into force.',
    }),
    minimum_age_s: Type.Optional(
      timeOrOff({
        default: CERTIFIED_DEFAULTS.minimumAge / 1000,
        description: 'Who has been on the list for less is passed over.',
      }),
    ),
    oldest: Type.Optional(
      count(0, 100_000, {
        default: CERTIFIED_DEFAULTS.oldest,
        description: 'Devices that are cleared together, the oldest first; 0 = all of them.',
      }),
    ),
    batch_every_s: Type.Optional(
      time({
        default: CERTIFIED_DEFAULTS.batchEvery / 1000,
        description: 'Between two lots of `oldest`, until none is left.',
      }),
    ),
    keep_online: Type.Optional(flag(CERTIFIED_DEFAULTS.keepOnline, 'Who has a session is passed over.')),
    roles: Type.Optional(
      Type.Array(text('the name of a role', 64), {
        maxItems: 64,
        uniqueItems: true,
        title: 'a list of roles',
        description: 'Devices whose user had one of these roles; left out: any.',
      }),
    ),
    ports: Type.Optional(
      Type.Array(text('a port name or glob', 64), {
        maxItems: 64,
        uniqueItems: true,
        title: 'a list of port names or globs',
        description: 'Devices that were on one of these ports; left out: any.',
      }),
    ),
  },
  { ...strict, title: 'a clearing rule' },
);

export const CertifiedDevicesObject = Type.Object(
  {
    enabled: Type.Optional(
      flag(CERTIFIED_DEFAULTS.enabled, 'Keep a list of the devices whose user has passed.'),
    ),
    capacity: Type.Optional(
      count(100, 1_000_000, {
        default: CERTIFIED_DEFAULTS.capacity,
        description: 'Devices on it; when full, who passed longest ago and is not online gives way.',
      }),
    ),
    clear: Type.Optional(
      Type.Array(ClearRule, {
        maxItems: 32,
        title: 'a list of clearing rules',
        description: 'When devices are cleared, and their users logged off, by itself.',
      }),
    ),
  },
  { ...strict, title: 'the list of certified devices' },
);

export const DhcpWatchObject = Type.Object(
  {
    enabled: Type.Optional(
      flag(DHCP_WATCH_DEFAULTS.enabled, 'Warn of leases that outlast the sessions of their clients by far.'),
    ),
    factor: Type.Optional(
      Type.Number({
        title: 'a number 1..1000',
        minimum: 1,
        maximum: 1000,
        default: DHCP_WATCH_DEFAULTS.factor,
        description: 'A lease is long when it lasts more than so many session timers.',
      }),
    ),
  },
  { ...strict, title: 'the DHCP watch' },
);
