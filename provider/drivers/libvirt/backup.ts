/**
 * The backup job of libvirt behind one pass of a staged move: QEMU serves the disks as they were when it began, by NBD on a socket of the
 * source, and goes on with that whatever becomes of us. It ends when it is aborted.
 */
import type { Move } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText, type Disk } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { ask, orFail, orNone, tell } from './host-shell.js';
import type { BegunPass } from './metadata.js';
import { privateFolder } from './private-folder.js';
import { oneWord, quote } from './quote.js';
import { refused } from './refused.js';
import { attribute, escaped, first, parseXml } from './xml.js';

/** As it is served by QEMU; each disk is an export by its name. */
export interface Backup {
  readonly socket: string;
  /** Of the pass that began it. */
  readonly checkpoint: string;
}

/** As libvirt names the folder of a domain (`virDomainDefGetShortName`), the one that QEMU may write to whatever confines it. */
const folderOf = (id: string, name: string): string => `/var/lib/libvirt/qemu/domain-${id}-${Array.from(name).slice(0, 20).join('')}`;

const fileOf = (checkpoint: string): string => `/${checkpoint}.sock`;
const socketOf = /\/(vmplacement-[\w-]+)\.sock$/;

/** The job of libvirt that holds the domain: of this move, whichever pass began it, or of somebody else. */
async function jobNow(on: Connection, { vm, source }: Move): Promise<Backup | 'none' | 'of others'> {
  const asked = `${ask(`domjobinfo ${quote(vm.uuid)}`)}
${orNone}
case $out in *ounded*) ;; *) exit 0 ;; esac
printf 'job\\n'
${ask(`backup-dumpxml ${quote(vm.uuid)}`)}
case $out in error:*) ;; *) ${tell} ;; esac`;
  const told = await on.shell.run(asked, { repeatable: true });
  if (told.code !== 0 && /domain is not running/.test(told.stderr)) return 'none';
  if (told.code !== 0) throw refused(source, told);
  if (told.stdout === '') return 'none';
  const xml = told.stdout.slice('job\n'.length);
  const socket = xml === '' ? null : attribute(first(parseXml(xml), 'server'), 'socket');
  const checkpoint = socketOf.exec(socket ?? '')?.[1];
  return socket === null || checkpoint === undefined ? 'of others' : { socket, checkpoint };
}

/** null: none is under way. @throws PlacementError `platform` where the job of somebody else is. */
export async function backupOf(on: Connection, move: Move): Promise<Backup | null> {
  const job = await jobNow(on, move);
  if (job === 'none') return null;
  if (job !== 'of others') return job;
  throw new PlacementError(
    'platform',
    `VM ${move.vm.name} is busy on ${placeText(move.source)} with a job of libvirt that is not of this move, a backup for instance, which is not disturbed.`,
    { vm: move.vm.name, next: `virsh -c qemu:///system domjobinfo ${move.vm.uuid}, on that host; pulumi up when it has ended` },
  );
}

export interface BackupToBegin {
  readonly pass: BegunPass;
  /** Of which only what has changed since this checkpoint is served as dirty. */
  readonly since: string | null;
  readonly disks: readonly Pick<Disk, 'name' | 'path'>[];
  /** Disks of the VM that stay where they are. */
  readonly others: readonly Pick<Disk, 'name'>[];
}

/** What the guest overwrites meanwhile is kept beside the image. */
export const scratchOf = ({ path }: Pick<Disk, 'path'>, { checkpoint }: Pick<BegunPass, 'checkpoint'>): string => `${path}.${checkpoint}`;

/** `broken`: why its dirty bitmaps cannot be used; nothing was begun. */
export async function beginBackup(
  on: Connection,
  move: Move,
  { pass, since, disks, others }: BackupToBegin,
): Promise<Backup | { readonly broken: string }> {
  const isChanged = (name: string): boolean => since !== null && pass.changed.includes(name);
  const backup = `<domainbackup mode='pull'>
<server transport='unix' socket='${escaped(folderOf(ID, move.vm.name) + fileOf(pass.checkpoint))}'/>
<disks>
${disks
  .map((disk) => {
    const mode = isChanged(disk.name) ? `backupmode='incremental' incremental='${escaped(since ?? '')}'` : `backupmode='full'`;
    return `<disk name='${escaped(disk.name)}' backup='yes' type='file' ${mode}><scratch file='${escaped(scratchOf(disk, pass))}'/></disk>`;
  })
  .join('\n')}
${others.map(({ name }) => `<disk name='${escaped(name)}' backup='no'/>`).join('\n')}
</disks>
</domainbackup>`;
  const checkpoint = `<domaincheckpoint><name>${escaped(pass.checkpoint)}</name><disks>
${disks.map(({ name }) => `<disk name='${escaped(name)}' checkpoint='bitmap'/>`).join('\n')}
${others.map(({ name }) => `<disk name='${escaped(name)}' checkpoint='no'/>`).join('\n')}
</disks></domaincheckpoint>`;
  const vm = quote(move.vm.uuid);
  const begun = await on.shell.run(
    `
${ask(`domid ${vm}`)}
${orFail}
id=$(echo $out)
${privateFolder}
base=$d/${quote(pass.checkpoint)}
while IFS= read -r l; do
  case $l in *${ID}*) l=\${l%%${ID}*}$id\${l#*${ID}} ;; esac
  printf '%s\\n' "$l"
done > "$base.backup"
printf '%s' ${oneWord(checkpoint)} > "$base.checkpoint"
out=$(start backup-begin ${vm} "$base.backup" "$base.checkpoint" < /dev/null)
code=$?
rm -f "$base.backup" "$base.checkpoint"
[ $code = 0 ] || { ${tell}; exit 1; }
printf '%s' "$id"`,
    { stdin: `${backup}\n` },
  );
  if (begun.code === 0)
    return { socket: folderOf(begun.stdout.trim(), move.vm.name) + fileOf(pass.checkpoint), checkpoint: pass.checkpoint };
  const broken =
    /(missing or broken bitmap|[Cc]heckpoint .*not found|inconsistent|is not recording|[Bb]itmap .*(not found|does not exist))/.exec(
      begun.stderr,
    )?.[0];
  if (broken !== undefined && since !== null) return { broken };
  throw refused(move.source, begun);
}

/** Of this move, whichever pass began it; what it kept beside the images is gone after it. A job of others goes on. */
export async function endBackup(on: Connection, move: Move): Promise<void> {
  const job = await jobNow(on, move);
  if (job === 'none' || job === 'of others') return;
  const vm = quote(move.vm.uuid);
  const done = await on.shell.run(`${ask(`domjobabort ${vm}`)}
case $out in error:*'no job is active'* | error:*'not running'*) ;; error:*) ${tell}; exit 1 ;; esac
i=0
while :; do
  ${ask(`domjobinfo ${vm}`)}
  case $out in *ounded*) ;; *) exit 0 ;; esac
  i=$((i + 1)); [ $i -lt 100 ] || { echo 'its backup does not end'; exit 1; }
  sleep 0.05
done`);
  if (done.code !== 0) throw refused(move.source, done);
}

/** In a definition that is filled in on the host. */
const ID = '@ID@';
