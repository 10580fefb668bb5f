/** Everything of one host in one round trip: the script that asks, and its answer cut into parts. Only UUIDs go into commands. */
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { script } from './quote.js';
import { tools } from './tools.js';

/** What a host said, by what was asked; `xml UUID` for what is about a domain. */
export type Reading = ReadonlyMap<string, string>;

/** @throws PlacementError `platform`: why the host could not be read, and the fix. */
export async function readHost(connection: Connection, nonce: string, signal?: AbortSignal): Promise<Reading> {
  const { code, stdout, stderr } = await connection.exec(surveyScript(nonce, connection.target.sudo), { signal, repeatable: true });
  if (code !== 0) throw cannotRead(connection.target, code, stderr);
  const reading = cut(stdout, nonce);
  if (!reading.has('end')) throw cannotRead(connection.target, code, 'virsh did not answer all that it was asked');
  return reading;
}

export function surveyScript(nonce: string, sudo: boolean): string {
  const mark = (name: string): string => `@@${nonce}@${name}@@`;
  const questions: Readonly<Record<string, string>> = {
    version: 'version',
    capabilities: 'capabilities',
    ...Object.fromEntries(virtTypes.map((type) => [`domcapabilities-${type}`, `domcapabilities --virttype ${type}`])),
    domains: 'list --all --uuid',
    persistent: 'list --all --persistent --uuid',
    autostart: 'list --all --autostart --uuid',
    saved: 'list --all --with-managed-save --uuid',
    networks: 'net-list --name',
    // Without --nowait a domain that is busy would hold up the whole reading.
    stats: 'domstats --raw --nowait --state --block',
  };
  const asked = list(questions, nonce);
  return script(`
given=$PATH
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
command -v virsh > /dev/null || { echo 'virsh: command not found' >&2; exit 127; }
v() { ${sudo ? 'sudo -n ' : ''}virsh -q -c qemu:///system "$@"; }
mark() { printf '\\n@@%s@%s@@\\n' ${nonce} "$1"; }
mark root; ${sudo ? 'echo yes' : '[ "$(id -u)" != 0 ] || echo yes'}
mark missing; (PATH=$given; for t in ${Object.keys(tools).join(' ')}; do command -v "$t" > /dev/null || echo "$t"; done)
mark certificates
# Readable for root only, as a rule; then nothing is told.
if [ -r /etc/libvirt/qemu.conf ]; then
  t=$(sed -n 's/^ *migrate_tls_x509_cert_dir *= *"\\(.*\\)".*/\\1/p' /etc/libvirt/qemu.conf)
  [ -n "$t" ] || t=$(sed -n 's/^ *default_tls_x509_cert_dir *= *"\\(.*\\)".*/\\1/p' /etc/libvirt/qemu.conf)
  c='ca-cert server-cert server-key'
  grep -q '^ *[a-z]*_tls_x509_verify *= *0' /etc/libvirt/qemu.conf || c="$c client-cert client-key"
  for c in $c; do [ -e "\${t:-/etc/pki/qemu}/$c.pem" ] || echo "\${t:-/etc/pki/qemu}/$c.pem"; done
fi
mark time; date +%s%3N
mark memory; cat /proc/meminfo
mark bridges; ls -d /sys/class/net/*/bridge 2> /dev/null
# Each start of virsh costs more than all that it is asked, so it is started three times.
first=$(v 'version; ${list({ all: 'list --all --uuid', active: 'list --uuid', pools: 'pool-list --uuid', names: 'list --all --name' }, nonce)}') || exit 1
# virsh ends no line after a mark.
part() { printf '%s\\n' "$2" | sed "s/@@${nonce}@[^@]*@@/\\n&\\n/g" | sed -n "/^@@${nonce}@$1@@$/,/^@@${nonce}@/{/^@@${nonce}@/d;/^$/d;p}"; }
all=$(part all "$first")
active=" $(part active "$first" | tr '\\n' ' ') "
# Known since 5.6; a command that is unknown would fail all that are asked with it.
major=$(printf '%s\\n' "$first" | sed -n 's/^Using library: libvirt \\([0-9]*\\).*/\\1/p')
[ "\${major:-6}" -lt 6 ] && checkpoints= || checkpoints=yes
ask=
for d in $all; do
  ask="$ask; echo @@${nonce}@xml-$d@@; dumpxml $d --inactive; echo @@${nonce}@snapshots-$d@@; snapshot-list $d --name"
  [ -z "$checkpoints" ] || ask="$ask; echo @@${nonce}@checkpoints-$d@@; checkpoint-list $d --name"
  case $active in *" $d "*) ask="$ask; echo @@${nonce}@live-$d@@; dumpxml $d; echo @@${nonce}@job-$d@@; domjobinfo $d" ;; esac
done
pools=
for p in $(part pools "$first"); do
  pools="$pools; echo @@${nonce}@pool-$p@@; pool-dumpxml $p"
  # Others than root may list few folders themselves; one question per volume, so not asked in vain.
  [ "$(id -u)" = 0 ] || pools="$pools; echo @@${nonce}@volumes-$p@@; vol-list $p"
done
answer=$(v "${asked}$ask$pools; echo ${mark('end')}" 2> /dev/null)
printf '%s\\n' "$answer"
# Live figures and names of the folders under the pools: libvirt's own are as old as its last refresh.
printf '%s\\n' "$answer" | sed -n '/^    <path>\\/.*<\\/path>$/{s|^    <path>||;s|</path>$||;s/&lt;/</g;s/&gt;/>/g;s/&quot;/"/g;s/&apos;/\\x27/g;s/&amp;/\\&/g;p}' | sort -u | while IFS= read -r p; do
  mark "fs-$p"; stat -f -c '%T %a %S %b' -- "$p" 2> /dev/null
  mark "folder-$p"; stat -c %i -- "$p" 2> /dev/null
  (cd -- "$p" && find . -mindepth 1 -maxdepth 1 -printf '%i %f\\n' | sort | { read -r one && { printf '%s\\n' "$one"; cat; } | sha256sum; }) 2> /dev/null
  mark "files-$p"; [ ! -d "$p" ] || ls -AU -- "$p" 2> /dev/null
done
# When and why each one started and ended stands in its log, in QEMU's only libvirt's own lines have these words.
set -f; IFS='
'
set --
for n in $(part names "$first"); do set -- "$@" "/var/log/libvirt/qemu/$n.log"; done
unset IFS; set +f
mark logs; [ $# -eq 0 ] || ${sudo ? 'sudo -n ' : ''}grep -aH -e starting -e shutting -- "$@" 2>&1
ask= files=
for t in ${virtTypes.join(' ')}; do
  f=$(mktemp) || continue
  files="$files $f"
  part "domcapabilities-$t" "$answer" > "$f"
  ask="$ask; echo @@${nonce}@cpu-$t@@; hypervisor-cpu-baseline --virttype $t --features $f"
done
v "\${ask#; }" 2> /dev/null
rm -f $files
exit 0`);
}

/** Commands of virsh in a row, with a mark before the answer of each. */
const list = (questions: Readonly<Record<string, string>>, nonce: string): string =>
  Object.entries(questions)
    .map(([name, line]) => `echo @@${nonce}@${name}@@; ${line}`)
    .join('; ');

export const virtTypes = ['kvm', 'qemu'] as const;

/** Cuts at marks of this reading only: nothing that a name or a description holds can look like one. */
export function cut(output: string, nonce: string): Reading {
  const parts = output.split(new RegExp(`@@${nonce}@(.*?)@@`));
  const found = new Map<string, string>();
  for (let index = 1; index < parts.length; index += 2) found.set(parts[index] ?? '', (parts[index + 1] ?? '').trim());
  return found;
}

/** What the failure of virsh means and what to do. */
export function cannotRead(
  target: { readonly name: string; readonly sudo: boolean; readonly user: string | null },
  code: number,
  stderr: string,
): PlacementError {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const who = target.user ?? 'the login';
  const because = (why: string, next: string): PlacementError =>
    new PlacementError('platform', `Host ${target.name} cannot be read: ${why}.`, { next });
  if (code === 127 || stderr.includes('command not found'))
    return because('there is no virsh', 'install libvirt-clients there (Debian, Ubuntu) or libvirt-client (others)');
  if (/sudo: .*password|not allowed to run sudo|not in the sudoers/.test(stderr))
    return because(`${who} may not run virsh by sudo without a password`, 'add the lines of docs/drivers/libvirt.md to sudoers');
  if (/Permission denied|authentication unavailable|authentication failed|polkit|access denied/i.test(stderr))
    return because(`${who} has no right on libvirt's socket`, `add ${who} to the group libvirt, or set ssh.sudo`);
  if (/Failed to connect socket|No such file or directory|Connection refused/.test(stderr))
    return because('libvirt does not run there', 'systemctl start libvirtd (or virtqemud) there');
  return because(said === '' ? `virsh ended with ${code}` : said, 'run virsh -c qemu:///system list --all there by hand');
}
