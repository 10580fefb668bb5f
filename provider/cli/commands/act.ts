/** `vmplacement confirm|cancel|resume`: asks the core, shows what happens, reports what was read back. */
import { cancelMove, confirmMove, resumeMove, type PlacementRun, type Session } from '../../core/placement.js';
import { schemaVersion, type ActionReport, type StatusEntry } from '../../report/types.js';
import { actionText } from '../action-text.js';
import { findVm, withDatacenter } from '../connect.js';
import { showProgress } from '../progress.js';
import { exitCodes, type Call, type ExitCode, type Result } from '../result.js';
import { readEntry } from './status.js';

export type Act = 'confirm' | 'cancel' | 'resume';

const acts: Readonly<Record<Act, (session: Session, vm: string, run: PlacementRun) => Promise<string>>> = {
  confirm: confirmMove,
  cancel: cancelMove,
  resume: resumeMove,
};

export async function act(call: Call, name: Act, wanted: string): Promise<Result> {
  return withDatacenter(call, async ({ session }) => {
    const vm = findVm(await session.inventory(), wanted);
    const progress = await showProgress(call);
    let message: string;
    try {
      message = await acts[name](session, vm.uuid, { signal: call.io.signal, emit: progress.emit, log: progress.log, timeoutMs: null });
    } finally {
      progress.done();
    }
    session.refresh();
    const [status] = await readEntry(session, vm.uuid);
    const report: ActionReport = { schemaVersion, kind: 'action', command: name, vm: vm.name, message, next: null, status: status ?? null };
    return { report, text: actionText(report, call.look), exit: exitOf(status) };
  });
}

/** A resumed staged move may well wait again: that is pending, not an error. */
function exitOf(status: StatusEntry | undefined): ExitCode {
  if (status === undefined || status.phase === 'Settled') return exitCodes.fine;
  return status.phase === 'Failed' ? exitCodes.error : exitCodes.pending;
}
