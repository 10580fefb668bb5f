import type { Finding } from '../finding.js';
import { isHeld } from '../go.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `cold-running`, cold, blocker: the VM runs and nobody permitted to shut it down, or `hold` forbids it. */
export function coldRunning({ method, live, vm, desired }: Pick<RuleInput, 'method' | 'live' | 'vm' | 'desired'>): readonly Finding[] {
  if (method !== 'cold' || live.power !== 'running') return [];
  const subject = vmSubject(vm);
  if (!desired.allowShutdown) {
    return [
      finding(
        'cold-running',
        'blocker',
        subject,
        `VM ${vm.name} runs, and a cold move needs it off`,
        'Declare allowShutdown: true, or shut the VM down yourself, or declare method: auto.',
      ),
    ];
  }
  if (isHeld({ desired, vm, record: vm.record })) {
    return [
      finding(
        'cold-running',
        'blocker',
        subject,
        `hold is set for VM ${vm.name}: it may not be shut down`,
        'Remove the annotation vmplacement/shutdown=hold first.',
      ),
    ];
  }
  return [];
}
