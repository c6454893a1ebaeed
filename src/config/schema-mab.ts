// MAC authentication bypass in the configuration file: `ports.<name>.mab`.

import { Type } from 'typebox';
import { MAC_SPELLINGS } from '../base/mac.ts';
import { MAB_AUTHENTICATIONS, MAB_DEFAULTS } from '../pae/mab-settings.ts';
import { count, delay, flag, Secret, strict, timeOrOff } from './scalars.ts';

/** The two methods, each once. */
function methods(description: string) {
  return Type.Array(Type.Enum(['dot1x', 'mab'], { title: 'dot1x or mab' }), {
    title: '[dot1x, mab] or [mab, dot1x]',
    minItems: 2,
    maxItems: 2,
    uniqueItems: true,
    default: [...MAB_DEFAULTS.order],
    description,
  });
}

export const MabObject = Type.Object(
  {
    enabled: Type.Optional(flag(MAB_DEFAULTS.enabled, 'MAC authentication bypass.')),
    delay_s: Type.Optional(
      delay({
        default: MAB_DEFAULTS.delay / 1000,
        description: 'How long 802.1X is waited for, where it comes first.',
      }),
    ),
    order: Type.Optional(methods('Which method is tried first.')),
    priority: Type.Optional(
      methods('Who has the last word: 802.1X first replaces a session by MAC, MAB first keeps its own.'),
    ),
    after_dot1x_failure: Type.Optional(
      flag(MAB_DEFAULTS.afterDot1xFailure, 'Who was refused by 802.1X may still get in by MAC.'),
    ),
    quiet_s: Type.Optional(
      delay({
        default: MAB_DEFAULTS.quietPeriod / 1000,
        maximum: 65_535,
        description: 'How long a refused MAC is not asked about.',
      }),
    ),
    reauth_period_s: Type.Optional(
      timeOrOff({
        default: MAB_DEFAULTS.reAuthPeriod / 1000,
        description: 'Between reauthentications; 0 = none but those that RADIUS wants.',
      }),
    ),
    kernel: Type.Optional(
      flag(MAB_DEFAULTS.kernel, 'The kernel reports unknown MACs, where it can; else captured frames do.'),
    ),
    user_name: Type.Optional(
      Type.Enum([...MAC_SPELLINGS], {
        title: `one of ${MAC_SPELLINGS.join(', ')}`,
        default: MAB_DEFAULTS.userName,
        description: 'How the MAC is spelled as User-Name.',
      }),
    ),
    password: Type.Optional(Secret),
    authentication: Type.Optional(
      Type.Enum([...MAB_AUTHENTICATIONS], {
        title: `one of ${MAB_AUTHENTICATIONS.join(', ')}`,
        default: MAB_DEFAULTS.authentication,
        description: 'How the server is given the password.',
      }),
    ),
    max_clients: Type.Optional(
      count(1, 4096, {
        default: MAB_DEFAULTS.maxClients,
        description: 'MACs without a session that are remembered, the refused included.',
      }),
    ),
    rate_per_s: Type.Optional(
      count(1, 10_000, {
        default: MAB_DEFAULTS.ratePerSecond,
        description: 'MACs of one port that the servers are asked about in a second.',
      }),
    ),
  },
  { ...strict, title: 'settings of MAC authentication bypass' },
);
