// stand-in
import type { ProbeSource } from '../liveness/settings.ts';
import type { VlanId } from '../model/dataplane.ts';
import type { Core } from './core.ts';
import type { SessionUnit } from './session-unit.ts';
export class Asker {
  constructor(private readonly core: Core) {}
  setSources(sources: ReadonlyMap<VlanId, ProbeSource>): void {
    void sources;
    void this.core;
  }
  ask(unit: SessionUnit, number: number): 'sent' | 'withheld' | 'none' {
    void unit;
    void number;
    return 'none';
  }
}
