/** Hot: QEMU sends memory and disks from host to host. A job of libvirt's own, which goes on whatever becomes of the process that watches. */
import { performance } from 'node:perf_hooks';
import type { Driver, Move, Outcome, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { formatDuration } from '../../core/units.js';
import { clock } from './clock.js';
import type { Connection } from './connection.js';
import { virsh } from './domain-state.js';
import { filesOf, jobOf, MARK, type Job, type JobStats } from './job.js';
import { MoveOnTarget, type Parts } from './move-on-target.js';
import { option, quote, script } from './quote.js';
import { inOneLine, refused } from './refused.js';
import { uriOf } from './uri.js';

interface HotParts extends Parts {
  /** Encrypted by QEMU. */
  readonly tls: boolean;
}

export function hot(parts: HotParts): Pick<Driver, 'migrate'> {
  return {
    async migrate(move, run) {
      const read = async (): Promise<MoveOnTarget> => new MoveOnTarget(parts, move, run, await parts.read());
      const work = await read();
      if (!work.hasArrived) {
        const job = await jobOf(work.from, move);
        refuseJobOfOthers(job, work, move);
        if (job.active === 'none') await begin(work, move, run, parts.tls);
        try {
          await watch(work, move, run);
        } catch (error) {
          if (PlacementError.isInstance(error) && error.code === 'timeout') await stayed(await read(), move);
          throw error;
        }
      }
      const now = work.hasArrived ? work : await read();
      if (!now.hasArrived) throw await failed(now, move, parts.tls);
      return outcome(now, move);
    },
  };
}

function refuseJobOfOthers({ active }: Job, { hasJob }: MoveOnTarget, { vm, source }: Move): void {
  if (active === 'none' || (active === 'migration' && hasJob)) return;
  const at = placeText(source);
  const what = {
    migration: `is being migrated from ${at} by somebody else`,
    another: `is busy on ${at} with another job of libvirt, a backup for instance, which is not disturbed`,
    unknown: `is not migrated: libvirt on ${at} does not tell whether a job is under way`,
  }[active];
  throw new PlacementError('platform', `VM ${vm.name} ${what}.`, {
    vm: vm.name,
    next: `virsh -c qemu:///system domjobinfo ${vm.uuid}, on that host; pulumi up when it has ended`,
  });
}

/** Its exit status says little: both hosts were read. */
async function failed(work: MoveOnTarget, move: Move, tls: boolean): Promise<PlacementError> {
  const { said } = await jobOf(work.from, move);
  await stayed(work, move);
  const { why, next } = failure(inOneLine(said), tls ? placeText(move.target) : null);
  return new PlacementError(
    'platform',
    `VM ${move.vm.name}: its hot move to ${placeText(move.target)} failed, and it stays on ${placeText(move.source)}: ${why}.`,
    { vm: move.vm.name, next: next ?? 'vmplacement doctor; then pulumi up tries it again' },
  );
}

/**
 * What `virsh migrate` said, and what to do. libvirt 9 now and then tells the end of its own connection to the target in place of what
 * went wrong before (seen in 2 of 5 moves with a wrong certificate): then only its log has the reason.
 *
 * @param encrypted the target, where QEMU encrypts: its certificate is checked for the name that its libvirt gives for the migration.
 */
export function failure(said: string, encrypted: string | null): { readonly why: string; readonly next: string | null } {
  const isLost = /End of file while reading data/.test(said);
  const name = /hostname (\S+)/.exec(said)?.[1] ?? 'migration_host in qemu.conf there, else its host name';
  const certificate =
    encrypted !== null && (isLost || /certificate|TLS/i.test(said))
      ? `look whether the certificates of both hosts are valid, and that of ${encrypted} is for ${name}`
      : null;
  const log = isLost ? 'journalctl -t libvirtd -t virtqemud on the source tells the reason' : null;
  const steps = [certificate, log].filter((step) => step !== null);
  return {
    why: said === '' ? 'libvirt tells no reason' : isLost ? `libvirt has lost the reason (${said})` : said,
    next: steps.length === 0 ? null : `${steps.join('; ')}; then pulumi up tries it again`,
  };
}

/** Nothing is left of it on the target. */
async function stayed(work: MoveOnTarget, move: Move): Promise<void> {
  if (work.power !== 'running')
    throw new PlacementError(
      'platform',
      `VM ${move.vm.name}: its hot move has ended, and it reads as ${work.power} on ${placeText(move.source)}.`,
      {
        vm: move.vm.name,
        next: 'pulumi up when both hosts answer',
      },
    );
  await work.forgetJob();
  await work.remove();
  await forget(work, move);
}

async function outcome(work: MoveOnTarget, move: Move): Promise<Outcome> {
  // The source forgets it when its libvirt is restarted.
  const here = await jobOf(work.from, move).catch(() => null);
  const { completed: stats } = here !== null && here.completed.size > 0 ? here : await jobOf(work.to, move);
  await forget(work, move);
  const downtimeMs = stats.get('downtime');
  return {
    target: work.targetRef,
    // What libvirt calls processed counts holes of disks too.
    bytes: (stats.get('memory_processed') ?? 0) + work.targetBytes,
    durationMs: stats.get('time_elapsed') ?? 0,
    started: true,
    ...(downtimeMs === undefined ? {} : { downtimeMs }),
    sourceGone: false,
    method: 'hot',
    warnings: [],
  };
}

/** The source may be gone for good; what is left there is small. */
export async function forget(work: MoveOnTarget, move: Move): Promise<void> {
  await work.from.exec(script(`${filesOf(move)}; rm -f "$f".*`)).catch(() => undefined);
}

async function begin(work: MoveOnTarget, move: Move, run: Run, tls: boolean): Promise<void> {
  work.refuseUnlessPossible();
  if (work.power !== 'running')
    throw new PlacementError(
      'platform',
      `VM ${move.vm.name} reads as ${work.power} on ${placeText(move.source)}: only one that runs is moved hot.`,
      {
        vm: move.vm.name,
      },
    );
  await run.checkLease();
  // What an attempt before left there: a mirror onto old contents is none.
  await work.remove();
  await run.checkLease();
  await work.makeImages();
  const definitions = `${await work.definition('live')}\n${MARK}\n${await work.definition('inactive')}\n`;
  await work.saveJob();
  await run.checkLease();
  const started = await work.from.exec(script(startScript(work, move, tls)), { stdin: definitions });
  if (started.code !== 0) throw refused(move.source, started);
}

/** libvirt's own highest, MiB/s: without a value old versions of QEMU have a low limit of their own. */
const UNLIMITED = 8_796_093_022_207;
const MiB = 2 ** 20;

function startScript(work: MoveOnTarget, move: Move, tls: boolean): string {
  const { bandwidthBytesPerSecond: bandwidth } = move.record.options;
  const disks = work.copiedNames;
  const storage = disks.length === 0 ? '' : `--copy-storage-all ${quote(option('--migrate-disks', disks.join(',')))}`;
  const speed = bandwidth === null ? UNLIMITED : Math.max(1, Math.floor(bandwidth / MiB));
  return `
export LC_ALL=C
${filesOf(move)}
rm -f "$f".*
awk -v f="$f" '/^${MARK}$/ { part = 1; next } { print > (f (part ? ".inactive" : ".live")) }' || exit 1
(
  trap '' HUP
  ${virsh(work.from)} migrate --live --p2p --persistent --auto-converge ${tls ? '--tls' : ''} ${storage} --bandwidth ${speed} \\
    --xml "$f.live" --persistent-xml "$f.inactive" ${quote(move.vm.uuid)} ${quote(uriOf(work.to.target))}
  echo "exit=$?"
) > "$f.out" 2>&1 < /dev/null &
`;
}

/** Until it has ended well. Aborted when it stands still or takes too long; then the VM stays and nothing is left on the target. */
async function watch(work: MoveOnTarget, move: Move, run: Run): Promise<void> {
  const begun = performance.now();
  const { maxDurationMs, noProgressTimeoutMs } = move.record.options;
  let told = { bytes: 0, atMs: begun };
  let idleMs = 0;
  for (;;) {
    const job = await jobOf(work.from, move, run.signal);
    const atMs = performance.now();
    const isActive = job.active === 'migration';
    if (isActive) idleMs = 0;
    // Until the job begins, or when the host has lost what was said of its end.
    else if (job.exit !== null || idleMs > beginsWithinMs) return;
    const { bytes, total } = progressOf(job.now, work);
    if (isActive && bytes > told.bytes) {
      const rate = ((bytes - told.bytes) / Math.max(1, atMs - told.atMs)) * 1000;
      run.emit({
        kind: 'progress',
        vm: move.vm.name,
        step: 'migrate',
        bytes,
        total: Math.max(bytes, total),
        rate,
        pass: job.now.get('memory_iteration') ?? 0,
      });
      told = { bytes, atMs };
    }
    const elapsedMs = Math.max(atMs - begun, job.now.get('time_elapsed') ?? 0);
    const why =
      elapsedMs > maxDurationMs
        ? `did not end within ${formatDuration(maxDurationMs)} (maxDuration)`
        : atMs - told.atMs > noProgressTimeoutMs
          ? `made no progress for ${formatDuration(noProgressTimeoutMs)} (noProgressTimeout)`
          : null;
    if (why !== null) return giveUp(work, move, why);
    const waitMs = Math.min(1000, 120 + (atMs - begun) / 50);
    idleMs += waitMs;
    await clock.sleep(waitMs, 'work', run.signal);
  }
}

const beginsWithinMs = 15_000;

/** Memory has no total before the disks are there. */
function progressOf(stats: JobStats, work: MoveOnTarget): { readonly bytes: number; readonly total: number } {
  const value = (key: string): number => stats.get(key) ?? 0;
  return {
    bytes: value('disk_processed') + value('memory_processed'),
    total: value('disk_total') + Math.max(value('memory_total'), work.memoryBytes),
  };
}

async function giveUp(work: MoveOnTarget, move: Move, why: string): Promise<never> {
  await abortJob(work.from, move);
  throw new PlacementError(
    'timeout',
    `VM ${move.vm.name}: its hot move to ${placeText(move.target)} ${why} and was aborted; it stays on ${placeText(move.source)}.`,
    {
      vm: move.vm.name,
      next: 'raise maxDuration, or the bandwidth, or move it in a quieter hour; postCopy and suspend are not offered on libvirt hosts',
    },
  );
}

/** Only a migration, and also one that is just about to begin. Whether anything of it is left is read afterwards. */
export async function abortJob(source: Connection, move: Move): Promise<void> {
  const line = `export LC_ALL=C; ${virsh(source)} domjobabort ${quote(move.vm.uuid)}`;
  const asked = performance.now();
  for (;;) {
    const { active, begun, exit } = await jobOf(source, move);
    const waitedMs = performance.now() - asked;
    const mayBegin = begun && exit === null && waitedMs < beginsWithinMs;
    if (active === 'another' || (active === 'none' && !mayBegin)) return;
    if (active === 'migration') await source.exec(script(line));
    if (waitedMs > abortsWithinMs)
      throw new PlacementError(
        'timeout',
        `VM ${move.vm.name}: its migration on ${placeText(move.source)} does not let itself be aborted.`,
        {
          vm: move.vm.name,
          next: `virsh -c qemu:///system domjobabort ${move.vm.uuid}, on that host`,
        },
      );
    await clock.sleep(300, 'work');
  }
}

const abortsWithinMs = 60_000;
