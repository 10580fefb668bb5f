import type { Finding } from '../finding.js';
import { placeText, type Copy } from '../inventory.js';
import { locate } from '../locate.js';
import { finding, type RuleInput } from './rule.js';

/**
 * `vm-missing`, all methods, blocker: no such VM on any host that was read, or the name is ambiguous (lists the candidates with their
 * UUIDs; a kept source copy is no candidate). Where a host that could hold it was not read, it is an error instead: the state is kept.
 */
export function vmMissing({ desired, inventory }: Pick<RuleInput, 'desired' | 'inventory'>): readonly Finding[] {
  const located = locate(inventory, desired.vm);
  const subject = `vm ${desired.vm}`;
  switch (located.kind) {
    case 'found':
    case 'unread':
      return [];
    case 'missing': {
      const kept = inventory.vms.filter((vm) => vm.name === desired.vm || vm.uuid === desired.vm).flatMap((vm) => vm.copies);
      const leftover = kept.length === 0 ? '' : `; only this is there: ${kept.map(copyText).join(', ')}`;
      return [
        finding(
          'vm-missing',
          'blocker',
          subject,
          `VM ${desired.vm} is on none of the ${inventory.hosts.length} hosts that were read${leftover}`,
          'Check the name or UUID; this provider adopts VMs that exist and never creates one.',
        ),
      ];
    }
    case 'ambiguous': {
      const among = located.among.map(
        (vm) =>
          `${vm.uuid} on ${vm.copies
            .filter((copy) => copy.role === 'live')
            .map(placeOf)
            .join(' and ')}`,
      );
      return [
        finding(
          'vm-missing',
          'blocker',
          subject,
          `the name ${desired.vm} is ambiguous: ${among.join('; ')}`,
          'Declare the UUID instead of the name: vm: <uuid>.',
        ),
      ];
    }
  }
}

const placeOf = (copy: Copy): string => placeText(copy.ref);
const copyText = (copy: Copy): string => `a ${copy.role === 'kept' ? 'kept source' : 'half-built copy'} on ${placeOf(copy)}`;
