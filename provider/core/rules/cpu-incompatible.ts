import type { Finding } from '../finding.js';
import { isUnknown, placeText } from '../inventory.js';
import { finding, hostSubject, list, stopsVm, unread, type RuleInput } from './rule.js';

/**
 * `cpu-incompatible`, hot: blocker. Cold, staged: warning for model and features, blocker for the architecture. Lists what is missing.
 * What the hypervisor there said of this very CPU counts more than names of models and features.
 */
export function cpuIncompatible({
  vm,
  target,
  to,
  method,
  cpuVerdict,
}: Pick<RuleInput, 'vm' | 'target' | 'to' | 'method' | 'cpuVerdict'>): readonly Finding[] {
  const subject = hostSubject(to);
  if (!stopsVm(method) && cpuVerdict?.fits === 'yes') return [];
  if (!stopsVm(method) && cpuVerdict?.fits === 'no')
    return [
      finding(
        'cpu-incompatible',
        'blocker',
        subject,
        `the hypervisor of ${placeText(to)} cannot go on with the CPU that VM ${vm.name} was started with: ${cpuVerdict.because}`,
        cpuVerdict.fix,
      ),
    ];
  if (isUnknown(target.facts)) return [unread('cpu-incompatible', 'blocker', subject, `the CPU of ${placeText(to)}`, target.facts)];
  const { cpu } = target.facts;
  if (isUnknown(vm.cpu)) return [unread('cpu-incompatible', 'blocker', subject, `the CPU that VM ${vm.name} needs`, vm.cpu)];
  if (isUnknown(cpu)) return [unread('cpu-incompatible', 'blocker', subject, `the CPU of ${placeText(to)}`, cpu)];
  const needs = vm.cpu;
  if (needs.arch !== cpu.arch) {
    return [
      finding(
        'cpu-incompatible',
        'blocker',
        subject,
        `VM ${vm.name} needs a ${needs.arch} CPU; ${placeText(to)} has ${cpu.arch}`,
        `Choose a host with ${needs.arch}.`,
      ),
    ];
  }
  const lacks: string[] = [];
  if (needs.model !== null && !cpu.models.includes(needs.model)) lacks.push(`model ${needs.model}`);
  const features = needs.features.filter((feature) => !cpu.features.includes(feature));
  if (features.length > 0) lacks.push(`${features.length === 1 ? 'feature' : 'features'} ${list(features)}`);
  if (lacks.length === 0) return [];
  const message = `the CPU of ${placeText(to)} lacks what VM ${vm.name} was started with: ${lacks.join('; ')}`;
  return [
    stopsVm(method)
      ? finding(
          'cpu-incompatible',
          'warning',
          subject,
          message,
          'The VM starts with another CPU there; check that its software does not need these.',
        )
      : finding(
          'cpu-incompatible',
          'blocker',
          subject,
          message,
          'Choose another host, or move it while it is off (staged to another cluster, or cold).',
        ),
  ];
}
