/** Time is passed in, so that every run can be replayed. The embedded datacenter brings its own (model) time. */
export interface Clock {
  /** Milliseconds since the epoch, in the platform's time. */
  now(): Promise<number>;
  /**
   * Waits in the platform's time; rejects when the signal aborts. `for`: `work` = something that takes time by itself
   * (a copy, a guest shutting down, a lock): a manual clock moves on. `operator` = somebody outside must act: a manual
   * clock does not move, only `advance` moves it. `holder` = a lease runs out: a manual clock moves on, but first its holder,
   * perhaps another process, gets the time to renew it.
   */
  sleep(milliseconds: number, why: 'work' | 'operator' | 'holder', signal?: AbortSignal): Promise<void>;
}

export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
