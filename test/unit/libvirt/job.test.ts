/** What virsh of a lab host (libvirt 9.0) said of jobs, and whose they are taken for. */
import { expect, test } from 'vitest';
import { jobIn, MARK } from '../../../provider/drivers/libvirt/job.js';

/** As the script prints it: the job of now, the last one that ended well, what `virsh migrate` of this move said. */
const printed = (now: string, out = ''): string => `${now}\n\n${MARK}\nJob type: 0\n\n\n${MARK}\n${out}`;

const outgoing = `Job type: 2

operation: 5
time_elapsed: 2325
data_total: 268435456
disk_total: 268435456
disk_processed: 16777216`;
const backup = `Job type: 2

operation: 9
time_elapsed: 73
disk_temp_used: 65536
disk_temp_total: 268435456`;

test.each([
  ['an outgoing migration', outgoing, 'migration'],
  ['a backup', backup, 'another'],
  ['no job', 'Job type: 0\n', 'none'],
  ['a VM that is off', 'error: Requested operation is not valid: domain is not running', 'none'],
  ['a VM that is gone', `error: failed to get domain 'web-01'`, 'none'],
  ['a libvirtd that does not answer', 'error: failed to connect to the hypervisor\nerror: Operation not supported', 'unknown'],
])('%s', (_what, now, active) => {
  expect(jobIn(printed(now))).toMatchObject({ active, begun: false, exit: null, said: '' });
});

test('how far it is, and what virsh said of its end', () => {
  expect(jobIn(printed(outgoing, 'begun\n'))).toMatchObject({ begun: true, exit: null, said: '' });
  expect(jobIn(printed(outgoing)).now.get('disk_processed')).toBe(16_777_216);
  const ended = jobIn(printed('Job type: 0\n', 'begun\nerror: operation aborted\nexit=1\n'));
  expect(ended).toMatchObject({ active: 'none', begun: true, exit: 1, said: 'error: operation aborted' });
});
