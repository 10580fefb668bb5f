/**
 * What disks hold, exactly and in little space. The guest writes round-robin over its working set, so the version of every
 * block is a closed form of one number, the write count W. An image is a list of segments "these blocks, as of W".
 */
export const BLOCK = 64 * 1024;

/** Blocks [from, to). */
export interface Span {
  from: number;
  to: number;
}

/** `at` = write count whose content these blocks hold; `NOTHING` = never written. */
export interface Segment extends Span {
  at: number;
  durable: boolean;
}

export const NOTHING = -1;

/** The part of one disk that the guest writes to: blocks [0, hot), which are the indexes [offset, offset + hot) of the ring. */
export interface Ring {
  readonly offset: number;
  readonly hot: number;
  /** Blocks of the whole working set, over all disks. */
  readonly size: number;
}

export const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK);

/** How often ring index `index` was written when the guest has written `writes` blocks. */
export const versionAt = (index: number, writes: number, size: number): number =>
  index >= size || writes <= index ? 0 : Math.floor((writes - 1 - index) / size) + 1;

/** Ring indexes written by the writes number `since` to `until - 1`. */
export function writtenBetween(since: number, until: number, size: number): Span[] {
  if (until <= since || size === 0) return [];
  if (until - since >= size) return [{ from: 0, to: size }];
  const from = since % size;
  const to = from + (until - since);
  return to <= size
    ? [{ from, to }]
    : [
        { from: 0, to: to - size },
        { from, to: size },
      ];
}

/** Blocks of this disk that were written between two write counts. */
export function dirtySpans(ring: Ring, since: number, until: number): Span[] {
  const mine = { from: ring.offset, to: ring.offset + ring.hot };
  return writtenBetween(since, until, ring.size).flatMap((span) => {
    const cut = intersect(span, mine);
    return cut === null ? [] : [{ from: cut.from - ring.offset, to: cut.to - ring.offset }];
  });
}

export const spanBlocks = (spans: readonly Span[]): number => spans.reduce((sum, span) => sum + span.to - span.from, 0);

export const emptyImage = (blocks: number): Segment[] => (blocks === 0 ? [] : [{ from: 0, to: blocks, at: NOTHING, durable: true }]);
export const wholeImage = (blocks: number, at: number): Segment[] => (blocks === 0 ? [] : [{ from: 0, to: blocks, at, durable: true }]);

/** The image after a write of `span` with the content as of `at`; not durable until flushed. */
export function overlay(image: readonly Segment[], span: Span, at: number): Segment[] {
  if (span.to <= span.from) return [...image];
  const rest = image.flatMap((segment) => outsideOf(segment, span));
  return merge([...rest, { ...span, at, durable: false }].sort((a, b) => a.from - b.from));
}

export const flush = (image: readonly Segment[]): Segment[] => merge(image.map((segment) => ({ ...segment, durable: true })));

/** A host lost power: what was not flushed is gone. */
export const losePower = (image: readonly Segment[]): Segment[] =>
  merge(image.map((segment) => (segment.durable ? segment : { ...segment, at: NOTHING, durable: true })));

/** Blocks of the image that miss content: never written, or older than the last acknowledged write. */
export function missingSpans(image: readonly Segment[], ring: Ring, writes: number): Span[] {
  return image.flatMap((segment) => {
    if (segment.at === NOTHING) return [{ from: segment.from, to: segment.to }];
    return dirtySpans(ring, segment.at, writes).flatMap((span) => {
      const cut = intersect(span, segment);
      return cut === null ? [] : [cut];
    });
  });
}

export function intersect(a: Span, b: Span): Span | null {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  return from < to ? { from, to } : null;
}

/** Takes up to `blocks` blocks from the front of the spans. */
export function takeBlocks(spans: readonly Span[], blocks: number): { taken: Span[]; rest: Span[] } {
  const taken: Span[] = [];
  const rest: Span[] = [];
  let left = blocks;
  for (const span of spans) {
    const cut = Math.min(left, span.to - span.from);
    if (cut > 0) taken.push({ from: span.from, to: span.from + cut });
    if (cut < span.to - span.from) rest.push({ from: span.from + cut, to: span.to });
    left -= cut;
  }
  return { taken, rest };
}

function outsideOf(segment: Segment, span: Span): Segment[] {
  const parts: Segment[] = [];
  if (segment.from < span.from) parts.push({ ...segment, to: Math.min(segment.to, span.from) });
  if (segment.to > span.to) parts.push({ ...segment, from: Math.max(segment.from, span.to) });
  return parts;
}

function merge(sorted: readonly Segment[]): Segment[] {
  const merged: Segment[] = [];
  for (const segment of sorted) {
    const last = merged.at(-1);
    if (last?.to === segment.from && last.at === segment.at && last.durable === segment.durable) last.to = segment.to;
    else merged.push({ ...segment });
  }
  return merged;
}
