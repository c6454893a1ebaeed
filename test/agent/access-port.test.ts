// One port between the administrator's wish and the kernel's word: it is never open unless somebody wished it so.

import { describe, expect, it } from 'vitest';
import { AccessPort, type PortEffect, type PortEvent } from '../../src/agent/access-port.ts';
import type { Mac } from '../../src/base/mac.ts';
import { type Instant, instant, millis } from '../../src/base/time.ts';
import type { PortConfig } from '../../src/config/config.ts';
import { portSettings } from '../../src/config/ports.ts';
import type { PortFacts, PortName } from '../../src/model/dataplane.ts';
import { MAB_DEFAULTS } from '../../src/pae/mab-settings.ts';
import { simConfig } from '../rigs/sim/stage.ts';

const FACTS: PortFacts = {
  name: 'p1' as PortName,
  index: 7,
  address: '02:99:01:00:00:07' as Mac,
  adminUp: true,
  linkUp: true,
  locked: false,
  learning: true,
  mab: false,
};

class Rig {
  now: Instant = instant(0);
  facts = FACTS;
  readonly port: AccessPort;

  constructor(config: Partial<PortConfig> = {}, kernelTells = true) {
    const settings = { ...portSettings(simConfig(), 'p1'), ...config };
    this.port = new AccessPort(FACTS, settings, { now: this.now, kernelTells });
  }

  /** Started, locked and listening. */
  ready(): this {
    this.port.start();
    this.give({ type: 'port-set' });
    this.facts = { ...this.facts, locked: true };
    this.give({ type: 'capture' });
    return this;
  }

  give(event: PortEvent): readonly PortEffect['type'][] {
    return this.port.handle(event, this.now).map(({ type }) => type);
  }

  change(change: Partial<PortFacts>): readonly PortEffect[] {
    this.facts = { ...this.facts, ...change };
    return this.port.handle({ type: 'facts', facts: this.facts }, this.now);
  }

  at(ms: number): readonly PortEffect['type'][] {
    this.now = instant(ms);
    return this.give({ type: 'tick' });
  }
}

const types = (effects: readonly PortEffect[]) => effects.map(({ type }) => type);

describe('the lock', () => {
  it('is the first thing, and holds only when the kernel has said so', () => {
    const { port } = new Rig();
    expect(types(port.start())).toEqual(['set', 'open-capture']);
    expect(port.locked).toBe(false);
    port.handle({ type: 'port-set' }, instant(1));
    expect(port.locked).toBe(true);
  });

  it('is tried again after 1, 2, 4 ... seconds, 30 at most, for ever, with an alarm each time', () => {
    const rig = new Rig();
    rig.port.start();
    let at = 0;
    for (const wait of [1, 2, 4, 8, 16, 30, 30, 30]) {
      expect(rig.give({ type: 'port-set', error: 'no' })).toEqual(['alarm']);
      expect(rig.port.pollAt()).toBe(at + wait * 1000);
      expect(rig.at(at + wait * 1000 - 1)).toEqual([]);
      at += wait * 1000;
      expect(rig.at(at)).toEqual(['set']);
    }
    expect(rig.give({ type: 'port-set' })).toEqual(['alarm-over']);
    expect(rig.port.locked).toBe(true);
  });

  it('found open is an alarm, and shut again', () => {
    const rig = new Rig().ready();
    expect(types(rig.change({ locked: false }))).toEqual(['alarm', 'set']);
    expect(rig.port.locked).toBe(false);
  });

  it('opens only for force-authorized; `off` leaves it as it was', () => {
    const rig = new Rig().ready();
    const off = rig.port.handle({ type: 'control', control: 'off' }, rig.now);
    expect(off.filter(({ type }) => type === 'set')).toEqual([]);
    const open = rig.port.handle({ type: 'control', control: 'force-authorized' }, rig.now);
    expect(open).toContainEqual({ type: 'set', setting: { locked: false, mab: false } });
  });
});

describe('another configuration', () => {
  const configured = (rig: Rig, change: Partial<PortConfig>) =>
    rig.port.handle({ type: 'config', config: { ...rig.port.config, ...change } }, rig.now);

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
    rig.port.start();
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

  it('an answer that nobody waits for changes nothing', () => {
    const rig = new Rig().ready();
    expect(rig.give({ type: 'capture', error: 'late' })).toEqual([]);
    expect(rig.give({ type: 'port-set', error: 'late' })).toEqual([]);
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
      wanted(rig.port.handle({ type: 'config', config: { ...settings, mab } }, rig.now));
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
