// What a port's flags are to be, and whether somebody else has made them otherwise.

import { assertNever } from '../../base/result.ts';
import type { PortFacts, PortSetting } from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';

/** What an `auto` port has to do with its flags. */
export interface PortNeeds {
  /** The kernel is to report unknown MACs. */
  readonly mab: boolean;
  /** Host mode multi-host: a client is in, and the port is open for all. */
  readonly opened: boolean;
  /** Nothing that is flooded is to leave by it, as long as it is not open. */
  readonly unflooded: boolean;
}

/** Undefined: it is not ours to touch. */
export function settingFor(
  control: PortControl,
  { mab, opened, unflooded }: PortNeeds,
): PortSetting | undefined {
  switch (control) {
    case 'auto':
      return opened ? { locked: false, mab: false, unflooded: false } : { locked: true, mab, unflooded };
    case 'force-unauthorized':
      return { locked: true, mab: false, unflooded };
    case 'force-authorized':
      return { locked: false, mab: false, unflooded: false };
    case 'off':
      return undefined;
    default:
      return assertNever(control);
  }
}

/**
 * rollcall-lock was started after us and has locked it: one that was open for its client, or without the kernel's reports of strangers.
 * Or somebody else has turned flooding on or off. A lock that is gone is another matter: see `found-open`.
 */
export function isTakenBack(setting: PortSetting, facts: PortFacts): boolean {
  return (
    (!setting.locked && facts.locked) || (setting.mab && !facts.mab) || setting.unflooded !== facts.unflooded
  );
}
