/** Work on pieces of a disk, begun in ascending order, so many at once and no more; and up to where all of it is done. */
export class Flight {
  private readonly underWay = new Set<Promise<void>>();
  /** Offsets of what is not done, in ascending order; what failed stays. */
  private readonly open = new Set<number>();
  private next: number;
  private failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly depth: number,
    from: number,
  ) {
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

  /** Resolves when it was begun. @throws the error of a piece that failed before. */
  async begin({ offset, bytes }: { readonly offset: number; readonly bytes: number }, work: () => Promise<void>): Promise<void> {
    while (this.underWay.size >= this.depth) await Promise.race(this.underWay);
    if (this.failure !== null) throw this.failure.error;
    this.open.add(offset);
    this.next = offset + bytes;
    const landed = work()
      .then(
        () => void this.open.delete(offset),
        (error: unknown) => this.fail(error),
      )
      .finally(() => this.underWay.delete(landed));
    this.underWay.add(landed);
  }

  /** Nothing is under way any more, whether it ended well or not. */
  async landed(): Promise<void> {
    await Promise.all(this.underWay);
  }
}
