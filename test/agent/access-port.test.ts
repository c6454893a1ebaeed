// One port between the administrator's wish and the kernel's word: it is never open unless somebody wished it so.

import { describe, expect, it } from 'vitest';
import { AccessPort, type PortEffect, type PortEvent } from '../../src/agent/port/access-port.ts';
import type { Mac } from '../../src/base/mac.ts';
import { type Instant, instant, millis } from '../../src/base/time.ts';
import type { PortConfig } from '../../src/config/config.ts';
import { portSettings } from '../../src/config/ports.ts';
import type { PortFacts, PortName, PortSetting } from '../../src/model/dataplane.ts';
import { MAB_DEFAULTS } from '../../src/pae/mab-settings.ts';
import { simConfig } from '../rigs/sim/stage.ts';

const FACTS: PortFacts = {
  name: 'p1' as PortName,
  index: 7,
  address: '02:99:01:00:00:07' as Mac,
  adminUp: true,
  linkUp: true,
  linkChanges: 1,
  locked: false,
  learning: true,
  mab: false,
  unflooded: false,
};

class Rig {
  now: Instant = instant(0);
  facts = FACTS;
  /** All that were asked for. */
  readonly settings: PortSetting[] = [];
  readonly port: AccessPort;

  constructor(config: Partial<PortConfig> = {}, kernelTells = true, facts = FACTS) {
    const settings = { ...portSettings(simConfig(), 'p1'), ...config };
    this.facts = facts;
    this.port = new AccessPort(facts, settings, { now: this.now, kernelTells, occupied: false });
  }

  /** Started, locked and listening. */
  ready(): this {
    this.start();
    this.answer();
    this.facts = { ...this.facts, locked: true };
    this.give({ type: 'capture' });
    return this;
  }

  start(): readonly PortEffect[] {
    return this.asked(this.port.start());
  }

  handle(event: PortEvent): readonly PortEffect[] {
    return this.asked(this.port.handle(event, this.now));
  }

  give(event: PortEvent): readonly PortEffect['type'][] {
    return types(this.handle(event));
  }

  /** The data plane's answer to the newest setting, or to an older one. */
  answer(error?: string, setting = this.settings.at(-1)): readonly PortEffect['type'][] {
    if (setting === undefined) throw new Error('nothing was set');
    return this.give({ type: 'port-set', setting, ...(error === undefined ? {} : { error }) });
  }

  change(change: Partial<PortFacts>): readonly PortEffect[] {
    this.facts = { ...this.facts, ...change };
    return this.handle({ type: 'facts', facts: this.facts });
  }

  private asked(effects: readonly PortEffect[]): readonly PortEffect[] {
    for (const effect of effects) if (effect.type === 'set') this.settings.push(effect.setting);
    return effects;
  }

  at(ms: number): readonly PortEffect['type'][] {
    this.now = instant(ms);
    return this.give({ type: 'tick' });
  }
}

const types = (effects: readonly PortEffect[]) => effects.map(({ type }) => type);

describe('the lock', () => {
  it('is the first thing, and holds only when the kernel has said so', () => {
    const rig = new Rig();
    expect(types(rig.start())).toEqual(['set', 'open-capture']);
    expect(rig.port.locked).toBe(false);
    rig.answer();
    expect(rig.port.locked).toBe(true);
  });

  it('is tried again after 1, 2, 4 ... seconds, 30 at most, for ever, with an alarm each time', () => {
    const rig = new Rig();
    rig.start();
    let at = 0;
    for (const wait of [1, 2, 4, 8, 16, 30, 30, 30]) {
      expect(rig.answer('no')).toEqual(['alarm']);
      expect(rig.port.pollAt()).toBe(at + wait * 1000);
      expect(rig.at(at + wait * 1000 - 1)).toEqual([]);
      at += wait * 1000;
      expect(rig.at(at)).toEqual(['set']);
    }
    expect(rig.answer()).toEqual(['alarm-over']);
    expect(rig.port.locked).toBe(true);
  });

  it('found open is told, and shut again', () => {
    const rig = new Rig().ready();
    expect(types(rig.change({ locked: false }))).toEqual(['found-open', 'set']);
    expect(rig.port.locked).toBe(false);
  });

  it('is proven by its own answer: what was said of an older setting says nothing of it', () => {
    const rig = new Rig({ hostMode: 'multi-host' }).ready();
    rig.give({ type: 'open', open: true });
    rig.give({ type: 'open', open: false });
    const unlock = rig.settings.at(-2);
    expect(rig.answer(undefined, unlock)).toEqual([]);
    expect(rig.port.locked).toBe(false);
    expect(rig.answer('no')).toEqual(['alarm']);
    expect(rig.at(1_000)).toEqual(['set']);
    rig.answer();
    expect(rig.port.locked).toBe(true);
    rig.give({ type: 'open', open: true });
    rig.give({ type: 'open', open: false });
    expect(rig.answer('no', rig.settings.at(-2))).toEqual([]);
    rig.answer();
    expect(rig.port.locked).toBe(true);
  });

  it('opens only for force-authorized; `off` leaves it as it was', () => {
    const rig = new Rig().ready();
    const off = rig.handle({ type: 'control', control: 'off' });
    expect(off.filter(({ type }) => type === 'set')).toEqual([]);
    const open = rig.handle({ type: 'control', control: 'force-authorized' });
    expect(open).toContainEqual({ type: 'set', setting: { locked: false, mab: false, unflooded: false } });
  });
});

describe('a port with egress closed', () => {
  const closed = () => new Rig({ egress: 'closed' }).ready();
  const set = (unflooded: boolean) => [{ type: 'set', setting: { locked: true, mab: false, unflooded } }];

  it('is unflooded while nobody is in, and by that alone', () => {
    const rig = new Rig({ egress: 'closed' });
    expect(rig.port.start()).toContainEqual(set(true)[0]);
    expect(rig.handle({ type: 'occupied', occupied: true })).toEqual(set(false));
    expect(rig.handle({ type: 'occupied', occupied: true })).toEqual([]);
    expect(rig.handle({ type: 'occupied', occupied: false })).toEqual(set(true));
  });

  it('is unflooded again where somebody else has turned flooding on, and left alone otherwise', () => {
    const rig = closed();
    expect(types(rig.change({ unflooded: false }))).toEqual(['set']);
    rig.answer();
    expect(types(rig.change({ unflooded: true }))).toEqual([]);
  });

  it('is flooded for whoever the administrator lets in without asking', () => {
    const rig = closed();
    expect(rig.handle({ type: 'control', control: 'force-authorized' })).toContainEqual({
      type: 'set',
      setting: { locked: false, mab: false, unflooded: false },
    });
    expect(rig.handle({ type: 'control', control: 'force-unauthorized' })).toContainEqual(set(true)[0]);
  });

  it('follows the configuration; one that hands the port over touches it no more', () => {
    const rig = closed();
    const { config } = rig.port;
    expect(rig.handle({ type: 'config', config: { ...config, egress: 'open' } })).toEqual(set(false));
    rig.answer();
    rig.give({ type: 'config', config: { ...config, egress: 'closed', control: 'off' } });
    expect(rig.port.isSet).toBe(true);
  });
});

describe('a port that is open for a client', () => {
  it('is locked before it is out of our hands, for as long as that takes', () => {
    const rig = new Rig({ hostMode: 'multi-host' }).ready();
    rig.give({ type: 'open', open: true });
    rig.answer();
    const off = rig.handle({ type: 'control', control: 'off' });
    expect(off).toContainEqual({ type: 'set', setting: { locked: true, mab: false, unflooded: false } });
    expect(rig.give({ type: 'open', open: false })).toEqual([]);
    expect(rig.port.isSet).toBe(false);
    expect(rig.answer('no')).toEqual(['alarm']);
    expect(rig.at(1_000)).toEqual(['set']);
    expect(rig.answer()).toEqual(['alarm-over']);
    expect([rig.port.facts.locked, rig.port.isSet, rig.port.locked]).toEqual([true, true, false]);
    expect(types(rig.change({ locked: false }))).toEqual([]);
  });

  it('is locked once by a host mode and MAB that change together, as the new configuration has it', () => {
    const rig = new Rig({ hostMode: 'multi-host' }).ready();
    rig.give({ type: 'open', open: true });
    rig.answer();
    const mab = { ...MAB_DEFAULTS, enabled: true };
    const config: PortConfig = { ...rig.port.config, hostMode: 'multi-auth', mab };
    expect(rig.handle({ type: 'config', config })).toEqual([{ type: 'end-sessions', cause: 'port-reinit' }]);
    expect(rig.handle({ type: 'open', open: false })).toEqual([
      { type: 'set', setting: { locked: true, mab: true, unflooded: false } },
    ]);
  });

  it('and is shut when it goes `off` is out of our hands when that is proven', () => {
    const rig = new Rig({ hostMode: 'multi-host' }).ready();
    rig.give({ type: 'open', open: true });
    rig.answer();
    expect(rig.give({ type: 'open', open: false })).toEqual(['set']);
    rig.give({ type: 'control', control: 'off' });
    expect(rig.port.isSet).toBe(false);
    rig.answer();
    expect(rig.port.isSet).toBe(true);
  });
});

describe('another configuration', () => {
  const configured = (rig: Rig, change: Partial<PortConfig>) =>
    rig.handle({ type: 'config', config: { ...rig.port.config, ...change } });

  it('leaves the control that an administrator set, unless its own is another one', () => {
    const rig = new Rig().ready();
    rig.give({ type: 'control', control: 'force-unauthorized' });
    expect(configured(rig, { role: 'staff' })).toEqual([]);
    expect(configured(rig, { control: 'auto', hostMode: 'single-host' })).toEqual([]);
    expect(rig.port.control).toBe('force-unauthorized');
    expect(configured(rig, { control: 'off' })).toContainEqual({ type: 'control-changed', control: 'off' });
  });

  it('that says what an administrator said before touches nobody, and is what holds from then on', () => {
    const rig = new Rig().ready();
    rig.give({ type: 'control', control: 'force-unauthorized' });
    expect(configured(rig, { control: 'force-unauthorized' })).toEqual([]);
    expect(types(configured(rig, { control: 'auto' }))).toContain('control-changed');
  });
});

describe('the capture', () => {
  it('that does not open is tried again, and nobody is asked until it does', () => {
    const rig = new Rig();
    rig.start();
    expect(rig.give({ type: 'capture', error: 'busy' })).toEqual(['alarm']);
    expect(rig.port.listening).toBe(false);
    expect(rig.at(1_000)).toEqual(['open-capture']);
    expect(rig.give({ type: 'capture' })).toEqual(['listening']);
  });

  it('is made anew at every administrative up', () => {
    const rig = new Rig().ready();
    expect(types(rig.change({ adminUp: false, linkUp: false }))).toEqual([
      'end-sessions',
      'link',
      'deaf',
      'close-capture',
      'deaf',
    ]);
    expect(rig.port.listening).toBe(false);
    expect(types(rig.change({ adminUp: true, linkUp: true }))).toContain('open-capture');
    expect(rig.give({ type: 'capture' })).toEqual(['listening']);
  });

  it('that has ended by itself is opened again, without an alarm unless that fails', () => {
    const rig = new Rig().ready();
    expect(rig.give({ type: 'capture-ended' })).toEqual(['deaf']);
    expect(rig.port.listening).toBe(false);
    expect(rig.at(1_000)).toEqual(['open-capture']);
    expect(rig.give({ type: 'capture-ended' })).toEqual([]);
    expect(rig.give({ type: 'capture', error: 'busy' })).toEqual(['alarm']);
    expect(rig.at(3_000)).toEqual(['open-capture']);
    expect(rig.give({ type: 'capture' })).toEqual(['listening']);
  });

  it('that has ended since its port goes down is left at that', () => {
    const rig = new Rig().ready();
    rig.give({ type: 'capture-ended' });
    expect(types(rig.change({ adminUp: false, linkUp: false }))).toContain('close-capture');
    expect(rig.at(60_000)).not.toContain('open-capture');
    expect(types(rig.change({ adminUp: true, linkUp: true }))).toContain('open-capture');
  });

  it('an answer that nobody waits for changes nothing', () => {
    const rig = new Rig().ready();
    expect(rig.give({ type: 'capture', error: 'late' })).toEqual([]);
    expect(rig.answer('late')).toEqual([]);
    expect([rig.port.listening, rig.port.locked]).toEqual([true, true]);
  });
});

describe('notices of unknown MACs', () => {
  const on = { ...MAB_DEFAULTS, enabled: true };
  const wanted = (effects: readonly PortEffect[]): readonly boolean[] =>
    effects.flatMap((effect) => (effect.type === 'set' ? [effect.setting.mab] : []));

  it('are wanted of a kernel that has them, where MAB is on and nobody says otherwise', () => {
    expect(wanted(new Rig({ mab: on }).port.start())).toEqual([true]);
    expect(wanted(new Rig({ mab: on }, false).port.start())).toEqual([false]);
    expect(wanted(new Rig({ mab: { ...on, kernel: false } }).port.start())).toEqual([false]);
    expect(wanted(new Rig({ mab: on, control: 'force-unauthorized' }).port.start())).toEqual([false]);
  });

  it('follow the configuration; what else changes of MAB does not touch the port', () => {
    const rig = new Rig({ mab: on }).ready();
    const settings = rig.port.config;
    const apply = (mab: PortConfig['mab']): readonly boolean[] =>
      wanted(rig.handle({ type: 'config', config: { ...settings, mab } }));
    expect(apply({ ...on, delay: millis(1) })).toEqual([]);
    expect(apply({ ...on, kernel: false })).toEqual([false]);
    expect(apply(on)).toEqual([true]);
  });
});

describe('the link', () => {
  const ends = (effects: readonly PortEffect[]) => effects.filter(({ type }) => type === 'end-sessions');

  it('down without delay puts everybody out at once', () => {
    expect(ends(new Rig().ready().change({ linkUp: false }))).toEqual([
      { type: 'end-sessions', cause: 'port-down' },
    ]);
  });

  it('back within the delay puts nobody out; later than it, everybody', () => {
    const rig = new Rig({ linkDownDelay: millis(3_000) }).ready();
    expect(ends(rig.change({ linkUp: false }))).toEqual([]);
    expect(rig.port.pollAt()).toBe(3_000);
    rig.now = instant(2_999);
    rig.change({ linkUp: true });
    expect(rig.at(10_000)).toEqual([]);
    rig.change({ linkUp: false });
    expect(rig.at(12_999)).toEqual([]);
    expect(rig.at(13_000)).toEqual(['end-sessions']);
    expect(rig.at(20_000)).toEqual([]);
  });

  it('down and up again between two words of the kernel: its count tells, and the delay spares', () => {
    const rig = new Rig().ready();
    expect(types(rig.change({ linkChanges: 3 }))).toEqual([
      'link',
      'deaf',
      'end-sessions',
      'link',
      'listening',
    ]);
    expect(rig.change({ linkChanges: 3 })).toEqual([]);
    const patient = new Rig({ linkDownDelay: millis(3_000) }).ready();
    expect(ends(patient.change({ linkChanges: 3 }))).toEqual([]);
    expect(patient.at(10_000)).toEqual([]);
  });

  it('down at the start: who goes on from an earlier run has the delay', () => {
    const down = { ...FACTS, linkUp: false };
    const rig = new Rig({ linkDownDelay: millis(3_000) }, true, down).ready();
    expect(rig.at(2_999)).toEqual([]);
    expect(rig.at(3_000)).toEqual(['end-sessions']);
    expect(new Rig({}, true, down).ready().port.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('an administrative down waits for no delay, and says so once', () => {
    const rig = new Rig({ linkDownDelay: millis(3_000) }).ready();
    expect(ends(rig.change({ adminUp: false, linkUp: false }))).toEqual([
      { type: 'end-sessions', cause: 'port-disabled' },
    ]);
    expect(rig.at(60_000)).toEqual([]);
  });

  it('a port that is set up again at once has five seconds for its link', () => {
    const rig = new Rig().ready();
    const lowered = (): void => {
      rig.give({ type: 'lowering' });
      expect(ends(rig.change({ adminUp: false, linkUp: false }))).toEqual([]);
    };
    lowered();
    expect(ends(rig.change({ adminUp: true }))).toEqual([]);
    rig.now = instant(3_000);
    rig.change({ linkUp: true });
    expect(rig.at(30_000)).toEqual([]);
    lowered();
    rig.change({ adminUp: true });
    expect(rig.at(34_999)).toEqual([]);
    rig.now = instant(35_000);
    expect(rig.port.handle({ type: 'tick' }, rig.now)).toEqual([
      { type: 'end-sessions', cause: 'port-down' },
    ]);
    rig.change({ linkUp: true });
    lowered();
    rig.now = instant(40_000);
    expect(rig.port.handle({ type: 'tick' }, rig.now)).toEqual([
      { type: 'end-sessions', cause: 'port-disabled' },
    ]);
  });
});
