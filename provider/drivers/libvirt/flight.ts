/** Work on pieces of a disk, begun in ascending order, so many at once and no more; and up to where all of it is done. */
export class Flight {
  private readonly free: Buffer[];
  private readonly underWay = new Set<Promise<void>>();
  /** Offsets of what is not done, in ascending order; what failed stays. */
  private readonly open = new Set<number>();
  private next: number;
  private failure: { readonly error: unknown } | null = null;

  constructor({ depth, bufferBytes, from }: { readonly depth: number; readonly bufferBytes: number; readonly from: number }) {
    this.free = Array.from({ length: depth }, () => Buffer.allocUnsafe(bufferBytes));
    this.next = from;
  }

  /** Everything below this offset is done. */
  get reached(): number {
    const [first = this.next] = this.open;
    return first;
  }

  get failed(): { readonly error: unknown } | null {
    return this.failure;
  }

  /** Nothing more is begun. */
  fail(error: unknown): void {
    this.failure ??= { error };
  }

  /** Resolves when it was begun, with a buffer of its own. @throws the error of a piece that failed before. */
  async begin(
    { offset, bytes }: { readonly offset: number; readonly bytes: number },
    work: (buffer: Buffer) => Promise<void>,
  ): Promise<void> {
    while (this.free.length === 0) await Promise.race(this.underWay);
    if (this.failure !== null) throw this.failure.error;
    const buffer = this.free.pop();
    if (buffer === undefined) throw new Error('pieces are begun one after the other');
    this.open.add(offset);
    this.next = offset + bytes;
    const done = work(buffer).then(
      () => void this.open.delete(offset),
      (error: unknown) => this.fail(error),
    );
    const landed = done.finally(() => {
      this.underWay.delete(landed);
      this.free.push(buffer);
    });
    this.underWay.add(landed);
  }

  /** Nothing is under way any more, whether it ended well or not. */
  async landed(): Promise<void> {
    await Promise.all(this.underWay);
  }
}
