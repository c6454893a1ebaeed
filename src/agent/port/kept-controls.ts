// Controls that administrators' commands have set, of ports that are not in the bridge for now: they hold when the port is back,
// unless the configuration has said something else of it meanwhile. One a name, whatever port has that then.

import type { PortName } from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';
import type { Core } from '../core.ts';
import type { AccessPort } from './access-port.ts';

interface Kept {
  readonly control: PortControl;
  /** What the configuration said of it. */
  readonly over: PortControl;
}

export class KeptControls {
  private readonly kept = new Map<PortName, Kept>();

  constructor(private readonly core: Core) {}

  /** The port leaves. */
  keep(name: PortName, { control, config }: AccessPort): void {
    if (control !== config.control) this.kept.set(name, { control, over: config.control });
  }

  /** What a port of that name is to be. */
  of(name: PortName): PortControl {
    return this.kept.get(name)?.control ?? this.core.settings.port(name).control;
  }

  /** The same of one that has joined, and knows it from now on. */
  take(name: PortName): PortControl {
    const control = this.of(name);
    this.kept.delete(name);
    return control;
  }

  /** Another configuration is in force. */
  reconfigure(): void {
    for (const [name, { over }] of this.kept)
      if (this.core.settings.port(name).control !== over) this.kept.delete(name);
  }
}
