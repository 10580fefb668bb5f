import type { World } from '../../../provider/drivers/embedded/world.js';

export const emptyWorld = (): World => ({
  v: 2,
  clock: { kind: 'manual', now: 0 },
  begun: 0,
  at: 0,
  vms: {},
  hosts: {},
  claims: {},
  leases: {},
  jobs: {},
  transfers: {},
  journal: [],
});
