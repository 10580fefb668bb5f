import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  dirtySpans,
  emptyImage,
  flush,
  losePower,
  missingSpans,
  overlay,
  spanBlocks,
  takeBlocks,
  versionAt,
  wholeImage,
  writtenBetween,
  NOTHING,
  type Ring,
  type Segment,
  type Span,
} from '../../../provider/drivers/embedded/contents.js';

/** The same disk, block by block. */
const versionsByHand = (size: number, writes: number): number[] => {
  const versions = new Array<number>(size).fill(0);
  for (let write = 0; write < writes; write += 1) versions[write % size]! += 1;
  return versions;
};
const blocksOf = (spans: readonly Span[]): number[] =>
  spans.flatMap((span) => Array.from({ length: span.to - span.from }, (_, index) => span.from + index)).sort((a, b) => a - b);
const asArray = (image: readonly Segment[]): { at: number; durable: boolean }[] =>
  image.flatMap(({ from, to, at, durable }) => Array.from({ length: to - from }, () => ({ at, durable })));

const size = fc.integer({ min: 1, max: 24 });
const writes = fc.integer({ min: 0, max: 120 });

describe('versions in closed form', () => {
  test.prop([size, writes])('are what writing one block after the other gives', (blocks, count) => {
    const byHand = versionsByHand(blocks, count);
    expect(byHand.map((_, index) => versionAt(index, count, blocks))).toEqual(byHand);
  });

  test.prop([size, writes, writes])('change exactly where something was written in between', (blocks, a, b) => {
    const [since, until] = [Math.min(a, b), Math.max(a, b)];
    const [before, after] = [versionsByHand(blocks, since), versionsByHand(blocks, until)];
    const changed = after.flatMap((version, index) => (version === before[index] ? [] : [index]));
    expect(blocksOf(writtenBetween(since, until, blocks))).toEqual(changed);
  });
});

describe('a working set over several disks', () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 }), writes, writes])(
    'is dirtied disk by disk as it is as a whole',
    (hots, a, b) => {
      const [since, until] = [Math.min(a, b), Math.max(a, b)];
      const total = hots.reduce((sum, hot) => sum + hot, 0);
      let offset = 0;
      const perDisk = hots.flatMap((hot) => {
        const ring: Ring = { offset, hot, size: total };
        const blocks = blocksOf(dirtySpans(ring, since, until)).map((block) => block + ring.offset);
        offset += hot;
        return blocks;
      });
      expect(perDisk).toEqual(blocksOf(writtenBetween(since, until, total)));
    },
  );
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), from: fc.nat(20), length: fc.nat(10), at: fc.nat(60) }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('power-loss' as const) }),
);

describe('an image of segments', () => {
  test.prop([fc.array(step, { maxLength: 20 })])('holds what an array of blocks holds, in order and without gaps', (steps) => {
    const blocks = 24;
    let image = emptyImage(blocks);
    let byHand = asArray(image);
    for (const one of steps) {
      switch (one.kind) {
        case 'write': {
          const span = { from: one.from, to: Math.min(blocks, one.from + one.length) };
          image = overlay(image, span, one.at);
          byHand = byHand.map((block, index) => (index >= span.from && index < span.to ? { at: one.at, durable: false } : block));
          break;
        }
        case 'flush':
          image = flush(image);
          byHand = byHand.map(({ at }) => ({ at, durable: true }));
          break;
        case 'power-loss':
          image = losePower(image);
          byHand = byHand.map((block) => (block.durable ? block : { at: NOTHING, durable: true }));
          break;
      }
    }
    expect(asArray(image)).toEqual(byHand);
    expect(image.every((segment, index) => segment.from === (image[index - 1]?.to ?? 0))).toBe(true);
  });

  test.prop([
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 24 }),
    writes,
    fc.array(fc.tuple(fc.nat(23), fc.nat(8), writes), { maxLength: 6 }),
  ])('lacks exactly the blocks whose version is older than the last acknowledged write', (hot, blocks, until, passes) => {
    const ring: Ring = { offset: 0, hot: Math.min(hot, blocks), size: Math.min(hot, blocks) };
    let image: Segment[] = wholeImage(blocks, 0);
    for (const [from, length, at] of passes) image = overlay(image, { from, to: Math.min(blocks, from + length) }, Math.min(at, until));
    const truth = versionsByHand(ring.size, until);
    const lacking = asArray(image).flatMap(({ at }, block) =>
      block < ring.size && versionsByHand(ring.size, at)[block] !== truth[block] ? [block] : [],
    );
    expect(blocksOf(missingSpans(image, ring, until))).toEqual(lacking);
  });

  test('lacks everything that was never written to it', () => {
    expect(missingSpans(emptyImage(8), { offset: 0, hot: 0, size: 0 }, 0)).toEqual([{ from: 0, to: 8 }]);
  });
});

test.prop([fc.array(fc.tuple(fc.nat(10), fc.integer({ min: 1, max: 6 })), { maxLength: 6 }), fc.nat(30)])(
  'taking blocks takes as many as asked for, from the front, and none twice',
  (parts, count) => {
    let from = 0;
    const spans = parts.map(([gap, length]) => {
      const span = { from: from + gap, to: from + gap + length };
      from = span.to;
      return span;
    });
    const { taken, rest } = takeBlocks(spans, count);
    expect(spanBlocks(taken)).toBe(Math.min(count, spanBlocks(spans)));
    expect([...blocksOf(taken), ...blocksOf(rest)]).toEqual(blocksOf(spans));
  },
);
