/** The bytes of a stream, in pieces of the length that is asked for, however they arrive. */
import type { Duplex } from 'node:stream';

export class ByteReader {
  private readonly arrived: Buffer[] = [];
  private wake: (() => void) | null = null;
  private over: Error | null = null;

  constructor(stream: Duplex) {
    // The listener stays: a channel of SSH that nobody reads is never closed.
    stream.on('data', (data: Buffer) => {
      if (this.over !== null || data.length === 0) return;
      this.arrived.push(data);
      this.wake?.();
    });
    stream.on('error', (error) => this.stop(error));
    for (const event of ['end', 'close'] as const) stream.on(event, () => this.stop(new Error('the connection was closed')));
  }

  /** Nothing more is read: what waits, and whoever comes later, is told this error. */
  stop(error: Error): void {
    this.over ??= error;
    this.wake?.();
  }

  async take(bytes: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafe(bytes);
    await this.fill(taken);
    return taken;
  }

  /** One at a time. @throws the error of the stream where it ends before. */
  async fill(target: Buffer): Promise<void> {
    for (let filled = 0; filled < target.length;) {
      const first = this.arrived[0];
      if (first === undefined) {
        if (this.over !== null) throw this.over;
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      const copied = first.copy(target, filled);
      filled += copied;
      if (copied === first.length) this.arrived.shift();
      else this.arrived[0] = first.subarray(copied);
    }
  }
}
