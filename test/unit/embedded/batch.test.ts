import { expect, test } from 'vitest';
import { applyAll, type Change } from '../../../provider/drivers/embedded/batch.js';
import type { World } from '../../../provider/drivers/embedded/world.js';
import { emptyWorld } from './store-world.js';

/** Changes of `begun`, and what their callers are told. */
function changes(...makes: ((world: World) => unknown)[]): { readonly all: readonly Change[]; readonly told: unknown[] } {
  const told: unknown[] = [];
  const all = makes.map((make, index) => ({
    make: (world: World) => {
      const result = make(world);
      return () => (told[index] = result);
    },
    refuse: (error: unknown) => (told[index] = error),
  }));
  return { all, told };
}

const add = (count: number) => (world: World) => (world.begun += count);

test('changes are made one after another, and each caller is told its own result', () => {
  const { all, told } = changes(add(1), add(10), add(100));
  const applied = applyAll(all, emptyWorld);
  expect(told).toEqual([]);
  applied.tell();
  expect([applied.world.begun, told]).toEqual([111, [1, 11, 111]]);
});

test('of one that throws nothing is kept, and the others are made as if it had not been', () => {
  const no = new Error('no');
  const { all, told } = changes(
    add(1),
    (world) => {
      world.begun += 10;
      throw no;
    },
    add(100),
  );
  const applied = applyAll(all, emptyWorld);
  applied.tell();
  expect([applied.world.begun, applied.isEmpty, told]).toEqual([101, false, [1, no, 101]]);
});

test('when all of them throw, there is nothing to write', () => {
  const fail = (): never => {
    throw new Error('no');
  };
  expect(applyAll(changes(fail, fail).all, emptyWorld)).toMatchObject({ isEmpty: true, world: emptyWorld() });
});
