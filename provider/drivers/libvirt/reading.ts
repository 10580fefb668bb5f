/** Everything of one host in one round trip: the script that asks, and its answer cut into parts. Only UUIDs go into commands. */
import { createHash } from 'node:crypto';
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { tools } from './tools.js';

/** What a host said, by what was asked; `xml UUID` for what is about a domain. */
export type Reading = ReadonlyMap<string, string>;

/** @throws PlacementError `platform`: why the host could not be read, and the fix. */
export async function readHost(connection: Connection, nonce: string, signal?: AbortSignal): Promise<Reading> {
  const lasting = lastingOf.get(connection);
  const isFresh = lasting !== undefined && lasting.shell === connection.shell.opened && performance.now() - lasting.atMs < lastsMs;
  const asked = surveyScript(nonce, connection.target.sudo, isFresh ? '' : lastingScript);
  const { code, stdout, stderr } = await connection.shell.run(asked, { signal, repeatable: true });
  if (code !== 0) throw cannotRead(connection.target, code, stderr);
  const reading = cut(stdout, nonce);
  if (!reading.has('end')) throw cannotRead(connection.target, code, 'virsh did not answer all that it was asked');
  if (isFresh) return new Map([...lasting.parts, ...reading]);
  const parts = lastingParts.flatMap((name): [string, string][] => {
    const part = reading.get(name);
    return part === undefined ? [] : [[name, part]];
  });
  if (isWhole(reading)) lastingOf.set(connection, { atMs: performance.now(), shell: connection.shell.opened, parts });
  return reading;
}

interface Lasting {
  readonly atMs: number;
  /** As `opened` of the shell: another one is opened after a reboot. */
  readonly shell: number;
  readonly parts: readonly (readonly [string, string])[];
}

/** Nothing of it failed to be read. */
const isWhole = (reading: Reading): boolean =>
  reading.has('capabilities') && virtTypes.every((type) => reading.has(`domcapabilities-${type}`) === reading.has(`cpu-${type}`));

/** What a host is like does not change from one reading to the next, and is most of what it says. */
const lastingOf = new WeakMap<Connection, Lasting>();
const lastsMs = 10_000;

export const virtTypes = ['kvm', 'qemu'] as const;
export const lastingParts = [
  ...['root', 'missing', 'certificates', 'capabilities'],
  ...virtTypes.flatMap((type) => [`domcapabilities-${type}`, `cpu-${type}`]),
];

const lastingScript = `
mark root; [ -n "$sudo" ] && echo yes || [ "$uid" != 0 ] || echo yes
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
tell capabilities capabilities
for t in ${virtTypes.join(' ')}; do
  tell "domcapabilities-$t" "domcapabilities --virttype $t"
  f=$(mktemp 2> /dev/null) || continue
  printf '%s' "$out" 2> /dev/null > "$f" || { rm -f "$f"; continue; }
  tell "cpu-$t" "hypervisor-cpu-baseline --virttype $t --features $f"
  rm -f "$f"
done`;

export function surveyScript(nonce: string, sudo: boolean, lasting: string): string {
  return `
sudo=${sudo ? "'sudo -n'" : ''}
mark() { printf '\\n@@%s@%s@@\\n' ${nonce} "$1"; }
tell() { v "$2"; mark "$1"; printf '%s' "$out"; }
v 'list --all --uuid'
case $out in *error:*) printf '%s' "$out"; exit 1 ;; esac
all=$out
mark domains; printf '%s' "$all"
v 'list --uuid'
case $out in *error:*) printf '%s' "$out"; exit 1 ;; esac
active=$nl$out
v '${list(
    {
      version: 'version',
      persistent: 'list --all --persistent --uuid',
      autostart: 'list --all --autostart --uuid',
      saved: 'list --all --with-managed-save --uuid',
      networks: 'net-list --name',
      // Without --nowait a domain that is busy would hold up the whole reading.
      stats: 'domstats --raw --nowait --state --block',
    },
    nonce,
  )}'
printf '%s' "$out"
# Known since 5.6; a command that is unknown would fail all that are asked with it.
major=\${out#*'Using library: libvirt '}
major=\${major%%.*}
for d in $all; do
  ask="echo @@${nonce}@xml-$d@@; dumpxml $d --inactive; echo @@${nonce}@snapshots-$d@@; snapshot-list $d --name"
  [ "\${major:-6}" -lt 6 ] || ask="$ask; echo @@${nonce}@checkpoints-$d@@; checkpoint-list $d --name"
  case $active in *"$nl$d$nl"*) ask="$ask; echo @@${nonce}@live-$d@@; dumpxml $d; echo @@${nonce}@job-$d@@; domjobinfo $d" ;; esac
  v "$ask"
  printf '%s' "$out"
done
v 'pool-list --uuid'
# A host may have no driver for storage.
case $out in *'not supported'*) out= ;; *error:*) printf '%s' "$out"; exit 1 ;; esac
for p in $out; do
  tell "pool-$p" "pool-dumpxml $p"
  # Others than root may list few folders themselves.
  xml=$out
  [ "$uid" = 0 ] || tell "volumes-$p" "vol-list $p"
  case $xml in *'<target>'*'<path>/'*) ;; *) continue ;; esac
  p=\${xml#*'<target>'} p=\${p#*'<path>'} p=\${p%%'</path>'*}
  case $p in *'&'*) p=$(printf '%s\\n' "$p" | sed 's/&lt;/</g;s/&gt;/>/g;s/&quot;/"/g;s/&apos;/\\x27/g;s/&amp;/\\&/g') ;; esac
  # libvirt's own figures and names are as old as its last refresh.
  mark "fs-$p"; stat -f -c '%T %a %S %b' -- "$p" 2> /dev/null
  mark "listing-$p"; find -H "$p" -maxdepth 1 -printf '%d %i %f\\0' 2> /dev/null
done
mark time; date +%s%3N
mark memory; while read -r k n; do case $k in MemTotal:) echo "$k $n" ;; MemAvailable:) echo "$k $n"; break ;; esac; done < /proc/meminfo
mark bridges; for b in /sys/class/net/*/bridge; do [ ! -d "$b" ] || echo "$b"; done
# When and why each one started and ended stands in its log, in QEMU's only libvirt's own lines have these words.
v 'list --all --name'
set -f; IFS=$nl
set --
for n in $out; do set -- "$@" "/var/log/libvirt/qemu/$n.log"; done
unset IFS; set +f
mark logs; [ $# -eq 0 ] || $sudo grep -aH -e starting -e shutting -- "$@" 2>&1
${lasting}
mark end; exit 0`;
}

/** Commands of virsh in a row, with a mark before the answer of each. */
const list = (questions: Readonly<Record<string, string>>, nonce: string): string =>
  Object.entries(questions)
    .map(([name, line]) => `echo @@${nonce}@${name}@@; ${line}`)
    .join('; ');

/** Cuts at marks of this reading only: nothing that a name or a description holds can look like one. What virsh refused was not told. */
export function cut(output: string, nonce: string): Reading {
  const parts = output.split(new RegExp(`@@${nonce}@(.*?)@@`));
  const found = new Map<string, string>();
  for (let index = 1; index < parts.length; index += 2) {
    const part = (parts[index + 1] ?? '').trim();
    if (!part.startsWith('error: ')) found.set(parts[index] ?? '', part);
  }
  return withFolders(found);
}

/** The inode of each folder with one digest of what lies in it, and its names. */
function withFolders(reading: Map<string, string>): Reading {
  for (const [key, listing] of [...reading]) {
    if (!key.startsWith('listing-')) continue;
    reading.delete(key);
    const path = key.slice('listing-'.length);
    const entries = listing.split('\0').filter((entry) => entry !== '');
    const inode = entries.flatMap((entry) => /^0 (\d+) /.exec(entry)?.[1] ?? [])[0] ?? '';
    const inside = entries.flatMap((entry) => (entry.startsWith('1 ') ? [entry.slice(2)] : [])).sort();
    const digest = inside.length === 0 ? '' : createHash('sha256').update(inside.join('\0')).digest('hex');
    reading.set(`folder-${path}`, `${inode} ${digest}`.trim());
    reading.set(`files-${path}`, inside.map((entry) => entry.slice(entry.indexOf(' ') + 1)).join('\n'));
  }
  return reading;
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
