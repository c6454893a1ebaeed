// What is demanded of sessions and their ends, as a table: one named test for each sentence, on real parts with short timers. The
// sentences are in demands/sentences.ts, the rows beside it, in a file for each kind of stage.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layer2 } from './demands/layer2.ts';
import { firstHop, layer3 } from './demands/layer3.ts';
import { type Group, SENTENCES, type Sentence } from './demands/sentences.ts';

const played = new Set<Sentence>();

function play<S extends { close(): Promise<void> }>({ name, open, rows }: Group<S>): void {
  describe(name, () => {
    let stage: S | undefined;
    beforeAll(async () => {
      stage = await open();
    });
    afterAll(async () => {
      await stage?.close();
    });
    for (const [id, row] of Object.entries(rows) as [Sentence, (stage: S) => Promise<void>][]) {
      played.add(id);
      it(SENTENCES[id], async () => {
        if (stage === undefined) throw new Error('the stage is not open');
        await row(stage);
      });
    }
  });
}

play(layer2);
play(layer3);
play(firstHop);

it('every sentence has its row', () => {
  expect([...played].sort()).toEqual(Object.keys(SENTENCES).sort());
});
