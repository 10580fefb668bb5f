/** Every rule, in the order of the table (rules.md §5). */
import { affinityViolated } from './affinity-violated.js';
import { clusterRefuses } from './cluster-refuses.js';
import { coldRunning } from './cold-running.js';
import { consoleBreaks } from './console-breaks.js';
import { cpuIncompatible } from './cpu-incompatible.js';
import { cutoverAtPowerOff } from './cutover-at-power-off.js';
import { deviceUnmovable } from './device-unmovable.js';
import { diskShared } from './disk-shared.js';
import { diskUntracked } from './disk-untracked.js';
import { downtimeEstimate } from './downtime-estimate.js';
import { firmwareMachine } from './firmware-machine.js';
import { goSpent } from './go-spent.js';
import { haOrBalancer } from './ha-or-balancer.js';
import { hostLacks } from './host-lacks.js';
import { hostNotInCluster } from './host-not-in-cluster.js';
import { hostUnavailable } from './host-unavailable.js';
import { hotNotRunning } from './hot-not-running.js';
import { memoryShort } from './memory-short.js';
import { moveCancelled } from './move-cancelled.js';
import { migrationUnencrypted } from './migration-unencrypted.js';
import { networkUnmapped } from './network-unmapped.js';
import { noDirectNetwork } from './no-direct-network.js';
import { optionUnsupported } from './option-unsupported.js';
import { reachUnknown } from './reach-unknown.js';
import { slowIncrements } from './slow-increments.js';
import { snapshotsLost } from './snapshots-lost.js';
import { sourceKept } from './source-kept.js';
import { stagedNoOs } from './staged-no-os.js';
import { stagedNotRunning } from './staged-not-running.js';
import { stagedSameCluster } from './staged-same-cluster.js';
import { stateFiles } from './state-files.js';
import { storageSame } from './storage-same.js';
import { storageShort } from './storage-short.js';
import { storageTaken } from './storage-taken.js';
import { storageUnmapped } from './storage-unmapped.js';
import { vmBusy } from './vm-busy.js';
import { vmMissing } from './vm-missing.js';
import { vmOwnedElsewhere } from './vm-owned-elsewhere.js';
import { vmState } from './vm-state.js';
import { vmTwoCopies } from './vm-two-copies.js';
import { willStopVm } from './will-stop-vm.js';
import type { Rule } from './rule.js';

/** `host-not-in-cluster` and `vm-missing` are also asked by `decide` before there is a target to look at. */
export const all: readonly Rule[] = [
  vmMissing,
  vmTwoCopies,
  vmState,
  vmBusy,
  vmOwnedElsewhere,
  hostUnavailable,
  hostNotInCluster,
  hostLacks,
  clusterRefuses,
  stagedSameCluster,
  stagedNotRunning,
  stagedNoOs,
  coldRunning,
  hotNotRunning,
  willStopVm,
  cutoverAtPowerOff,
  cpuIncompatible,
  firmwareMachine,
  stateFiles,
  memoryShort,
  storageShort,
  storageTaken,
  storageUnmapped,
  networkUnmapped,
  storageSame,
  diskShared,
  diskUntracked,
  deviceUnmovable,
  snapshotsLost,
  affinityViolated,
  haOrBalancer,
  noDirectNetwork,
  reachUnknown,
  consoleBreaks,
  migrationUnencrypted,
  downtimeEstimate,
  slowIncrements,
  sourceKept,
  goSpent,
  moveCancelled,
  optionUnsupported,
];
