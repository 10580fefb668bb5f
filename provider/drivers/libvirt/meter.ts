/** How far a copy is and how fast it goes, told four times a second at most. */
export interface CopyProgress {
  /** Bytes of data that were sent and acknowledged. */
  readonly bytes: number;
  /** Bytes of data that are to be sent, as far as the map of the disk was read. */
  readonly total: number;
  /** Bytes per second in the last seconds. */
  readonly rate: number;
}

const EVERY_MS = 250;
const WINDOW_MS = 5000;

export class Meter {
  private sentBytes = 0;
  private totalBytes = 0;
  private toldMs = -Infinity;
  /** Oldest first: what had been sent at a time. */
  private readonly samples: { readonly atMs: number; readonly bytes: number }[];

  constructor(
    private readonly tell: (progress: CopyProgress) => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.samples = [{ atMs: nowMs(), bytes: 0 }];
  }

  get bytes(): number {
    return this.sentBytes;
  }

  found(bytes: number): void {
    this.totalBytes += bytes;
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
    if (this.nowMs() - this.toldMs >= EVERY_MS) this.report();
  }

  report(): void {
    const atMs = this.nowMs();
    this.toldMs = atMs;
    this.samples.push({ atMs, bytes: this.sentBytes });
    while (this.samples.length > 2 && atMs - (this.samples[1]?.atMs ?? atMs) >= WINDOW_MS) this.samples.shift();
    const oldest = this.samples[0] ?? { atMs, bytes: this.sentBytes };
    const rate = atMs > oldest.atMs ? ((this.sentBytes - oldest.bytes) / (atMs - oldest.atMs)) * 1000 : 0;
    this.tell({ bytes: this.sentBytes, total: Math.max(this.totalBytes, this.sentBytes), rate: Math.round(rate) });
  }
}
