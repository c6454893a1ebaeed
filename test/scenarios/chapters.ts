// The scenarios that real switches can play, by what they are about.

import { BYPASS } from './bypass.ts';
import { ENDING } from './ending.ts';
import { FAULTS } from './faults.ts';
import { HANDSHAKE } from './handshake.ts';
import { HOSTS } from './hosts.ts';
import { LEAVING } from './leaving.ts';
import { MOVING } from './moving.ts';
import type { Scenario } from './stage.ts';

/** The long ones first. */
export const CHAPTERS: Readonly<Record<string, readonly Scenario[]>> = {
  'falls silent': HANDSHAKE,
  'when things go wrong': FAULTS,
  'beside others': HOSTS,
  'is put out': ENDING,
  'turns up elsewhere': MOVING,
  'gets in by its MAC': BYPASS,
  'comes and leaves': LEAVING,
};
