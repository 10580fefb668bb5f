import type { Desired } from '../desired.js';
import type { Capabilities } from '../driver.js';
import type { Finding } from '../finding.js';
import { isKnown, type Vm } from '../inventory.js';
import type { Method } from '../record.js';
import { finding, list, vmSubject, type RuleInput } from './rule.js';

/** `option-unsupported`, all methods, blocker: a declared option that this platform cannot honour; never silently ignored. */
export function optionUnsupported({
  vm,
  desired,
  capabilities,
  method,
}: Pick<RuleInput, 'vm' | 'desired' | 'capabilities' | 'method'>): readonly Finding[] {
  const declared = checks
    .filter(({ option, fires }) => desired.declared.includes(option) && fires(desired, capabilities, { vm, method }))
    .map(({ option, because, way }) =>
      finding(
        'option-unsupported',
        'blocker',
        vmSubject(vm),
        `${option} is declared for VM ${vm.name}, but ${capabilities.platform} ${because}`,
        way?.(vm) ?? `Remove ${option}.`,
      ),
    );
  return capabilities.methods.includes(method) ? declared : [methodUnsupported(vm, method, capabilities), ...declared];
}

const methodUnsupported = (vm: Vm, method: Method, { platform, methods }: Capabilities): Finding =>
  finding(
    'option-unsupported',
    'blocker',
    vmSubject(vm),
    `VM ${vm.name} needs a ${method} move, which this version does not carry out on ${platform}`,
    methods.length === 0 ? 'Move it by hand.' : `Declare one of these, where it is possible: ${list(methods)}.`,
  );

interface Check {
  /** As declared, in the schema's words. */
  readonly option: string;
  readonly because: string;
  /** Another way out than to remove it. */
  readonly way?: (vm: Vm) => string;
  readonly fires: (desired: Desired, capabilities: Capabilities, context: { readonly vm: Vm; readonly method: Method }) => boolean;
}

const checks: readonly Check[] = [
  option('networks', 'cannot map networks', (desired, can) => !can.networkMap && Object.keys(desired.networks).length > 0),
  option('storage', 'cannot choose the storage by pool', (desired, can) => !can.storageMap && Object.keys(desired.storage).length > 0),
  option('bandwidth', 'cannot limit the bandwidth', (desired, can) => !can.bandwidth && desired.bandwidthBytesPerSecond !== null),
  option('keepSource', 'cannot keep the source', (desired, can) => !can.keepsSource && desired.keepSource === 'confirm'),
  option('verify', 'cannot read back what was copied', (desired, can) => !can.verify && desired.verify !== 'off'),
  option(
    'verify',
    'cannot read back what a cold move has copied',
    (desired, can, { method }) => can.verify && !can.verifiesCold && method === 'cold' && desired.verify !== 'off',
  ),
  option('postCopy', 'has no post-copy', (desired, can) => !can.postCopy && desired.postCopy),
  option('suspend', 'cannot suspend for the rest of a move', (desired, can) => !can.suspend && desired.suspend),
  option('incrementEvery', 'sends increments by itself', (_desired, can) => can.increments === 'platform'),
  option(
    'startAfter',
    'starts the VM by itself after a staged move',
    (desired, can, { method }) => !can.separateStart && method === 'staged' && desired.startAfter === 'never',
  ),
  option('detach', 'cannot leave devices out', (desired, can) => can.detach === 'none' && desired.detach.length > 0),
  option(
    'detach',
    'leaves out all devices or none: name them all',
    (desired, can, { vm }) =>
      can.detach === 'all' &&
      desired.detach.length > 0 &&
      isKnown(vm.devices) &&
      vm.devices.some((device) => !desired.detach.includes(device.name)),
    (vm) => `Declare detach: [${isKnown(vm.devices) ? list(vm.devices.map((device) => device.name)) : ''}].`,
  ),
];

function option(name: string, because: string, fires: Check['fires'], way?: Check['way']): Check {
  return { option: name, because, fires, ...(way === undefined ? {} : { way }) };
}
