import type { Finding } from '../finding.js';
import { liveCopies, samePlace } from '../inventory.js';
import { copyText } from '../host-clock.js';
import { doubtfulCopies, runningCopies } from '../locate.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `vm-two-copies`, all methods, blocker: runs on two hosts (which, since when): never act. Also where the copies cannot be told apart. */
export function vmTwoCopies(input: Pick<RuleInput, 'vm' | 'inventory'> & Partial<Pick<RuleInput, 'to' | 'live'>>): readonly Finding[] {
  const { vm, inventory } = input;
  const running = runningCopies(vm);
  if (running.length > 1) {
    return [
      twoCopies(
        `VM ${vm.name} runs on ${running.length} hosts at once: ${running.map((copy) => copyText(copy, inventory)).join('; ')}`,
        'Stop the wrong copy by hand now, before both write to what they share; nothing is done until only one runs.',
      ),
    ];
  }
  const doubtful = doubtfulCopies(vm);
  if (doubtful.length > 0) {
    return [
      twoCopies(
        `VM ${vm.name} is defined on ${doubtful.length} hosts and which one is the VM cannot be told: ${doubtful.map((copy) => copyText(copy, inventory)).join('; ')}`,
        'Remove or rename the definition that is not the VM.',
      ),
    ];
  }
  const { to, live } = input;
  const inTheWay = vm.record !== null || to === undefined ? [] : liveCopies(vm).filter((copy) => copy !== live && samePlace(copy.ref, to));
  return inTheWay.map((copy) =>
    twoCopies(`another definition of VM ${vm.name} is in the way: ${copyText(copy, inventory)}`, 'Remove it, or choose another host.'),
  );

  function twoCopies(message: string, suggestion: string): Finding {
    return finding('vm-two-copies', 'blocker', vmSubject(vm), message, suggestion);
  }
}
