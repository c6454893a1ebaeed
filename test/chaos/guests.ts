// Who comes and goes, of two kinds: a machine of its own with a kernel and wpa_supplicant, or one of the crowd (crowd.ts).

import { radclient } from '../rigs/lab/dynauth.ts';
import { SceneHouse } from '../rigs/lab/house.ts';
import { LabMachine } from '../rigs/lab/machine.ts';
import type { Scene } from '../rigs/lab/scene.ts';
import { PASSWORD } from '../scenarios/stage.ts';
import { CrowdClient } from './crowd.ts';
import type { Leaving, Person } from './plan.ts';
import type { Town } from './town.ts';

const SETTLE_MS = 2_000;
const SAYS_MS = 30_000;

export interface Guest {
  readonly mac: string;
  readonly port: string;
  come(): Promise<void>;
  /** It is gone, in this way, when this returns. */
  leave(how: Leaving): Promise<void>;
  /** Its link was lost: it wants in anew, if it wants in. */
  shaken(): void;
  close(): unknown;
}

export function guestOf(person: Person, town: Town): Guest {
  return person.isHost ? new Host(person, town.scene) : new OneOfCrowd(person, town);
}

class OneOfCrowd implements Guest {
  readonly mac: string;
  readonly port: string;
  readonly #client: CrowdClient;
  readonly #scene: Scene;

  constructor(person: Person, { wire, gateway, scene }: Town) {
    this.#client = new CrowdClient(wire, person, gateway);
    this.#scene = scene;
    this.mac = this.#client.mac;
    this.port = `p${person.port}`;
  }

  async come(): Promise<void> {
    this.#client.come();
  }

  async leave(how: Leaving): Promise<void> {
    if (how === 'logoff') this.#client.logoff();
    else await putOut(this.#scene, this.mac, how);
    this.#client.goSilent();
  }

  shaken(): void {
    this.#client.begin();
  }

  close(): void {
    this.#client.goSilent();
  }
}

class Host implements Guest {
  readonly mac: string;
  readonly port: string;
  readonly #machine: LabMachine;
  readonly #scene: Scene;
  readonly #n: number;
  #isUnplugged = false;
  #looking: NodeJS.Timeout | undefined;
  #saysUntil = 0;

  constructor({ n }: Person, scene: Scene) {
    const client = scene.client(n);
    this.mac = client.mac;
    this.port = client.port;
    this.#n = n;
    this.#scene = scene;
    this.#machine = new LabMachine(client);
  }

  async come(): Promise<void> {
    if (this.#isUnplugged) await this.#scene.lab.plug(this.#n);
    this.#isUnplugged = false;
    await this.#machine.speakAgain();
    await this.#machine.runSupplicant({ identity: `u${this.#n}`, password: PASSWORD });
    this.#saysUntil = Date.now() + SAYS_MS;
    clearInterval(this.#looking);
    this.#looking = setInterval(() => void this.#settle().catch(() => undefined), SETTLE_MS);
  }

  /** For a while after it has come, it says something whenever it is in: from that its address is learnt. */
  async #settle(): Promise<void> {
    if (Date.now() < this.#saysUntil && (await this.#machine.supplicantIs('authorized')))
      await this.#machine.say();
  }

  async leave(how: Leaving): Promise<void> {
    if (how === 'logoff') await this.#machine.logoff();
    else if (how === 'unplug') {
      await this.#scene.lab.unplug(this.#n);
      this.#isUnplugged = true;
    } else await putOut(this.#scene, this.mac, how);
    clearInterval(this.#looking);
    await this.#machine.silence();
    await this.#machine.killSupplicant();
  }

  shaken(): void {
    this.#saysUntil = Date.now() + SAYS_MS;
    this.#machine.restartSupplicant().catch(() => undefined);
  }

  close(): Promise<void> {
    clearInterval(this.#looking);
    return this.#machine.close();
  }
}

/** By an administrator or a server; one that cannot be reached, or knows nothing of it, has done nothing. */
async function putOut(scene: Scene, mac: string, how: Leaving): Promise<void> {
  if (how === 'command') {
    await new SceneHouse(scene).request('disconnect', { mac }).catch(() => undefined);
  } else if (how === 'disconnect') {
    await radclient(scene.lab.netns, {
      send: 'disconnect',
      attributes: [
        `Calling-Station-Id = "${mac.replaceAll(':', '-').toUpperCase()}"`,
        'NAS-Identifier = "sw1"',
      ],
      waitS: 1,
    });
  }
}
