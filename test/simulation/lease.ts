/** Of real processes, in wall time: short, since schedules wait for those of the dead. */
export const lease = { leaseRenewMs: 150, leaseExpireMs: 600 };
