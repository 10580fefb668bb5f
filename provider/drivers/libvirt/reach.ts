/**
 * Whether libvirt of one host reaches that of another. In a hot move libvirtd of the source connects to the target, so it is tried there
 * and as the account that libvirtd has there, which is root.
 */
import type { ResolvedSshTarget } from '../../../schema/libvirt.js';
import type { Answer } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Cause } from '../../core/inventory.js';
import type { Connection, Executed } from './connection.js';
import { virshAt } from './domain-state.js';
import { script } from './quote.js';
import { inOneLine } from './refused.js';
import { uriOf } from './uri.js';

/** @param limitMs after which the target counts as silent; shorter than what the source itself is given to answer. */
export async function reach(from: Connection, to: ResolvedSshTarget, limitMs: number): Promise<Answer> {
  const seconds = Math.max(1, Math.floor(limitMs / 1000));
  const { sudo } = from.target;
  // An agent of the login is none of libvirtd. Where ssh ends before libvirt has said a word to it, that is all that it tells (measured: 2 %
  // of the attempts on a busy host): asked again, it tells why.
  const line = `export LC_ALL=C; unset SSH_AUTH_SOCK
${sudo ? '' : `[ "$(id -u)" = 0 ] || exit ${NOT_ROOT}`}
for _ in 1 2 3; do
  said=$(timeout ${seconds} ${virshAt(from, uriOf(to))} version 2>&1 > /dev/null < /dev/null) && exit
  code=$?
  case $code$said in ${BROKEN_PIPE}* | *'client socket is closed'*) ;; *) break ;; esac
done
printf '%s\n' "$said" >&2
exit $code`;
  try {
    return reachAnswer(await from.exec(script(line), { repeatable: true }), { from: from.target, to, seconds });
  } catch (error) {
    if (!PlacementError.isInstance(error)) throw error;
    return { answer: 'unknown', because: `it could not be tried: ${error.message}`, fix: 'Try again when that host answers.' };
  }
}

export const NOT_ROOT = 77;
const BROKEN_PIPE = 141;
/** Of `timeout`. */
const LATE = 124;
/** Of a shell that does not find the program. */
const NOT_FOUND = 127;

interface Tried {
  readonly from: ResolvedSshTarget;
  readonly to: ResolvedSshTarget;
  readonly seconds: number;
}

/** What `virsh -c qemu+ssh://...` of the source ended with, in words. */
export function reachAnswer({ code, stderr }: Executed, tried: Tried): Answer {
  if (code === 0) return { answer: 'yes', because: '', fix: '' };
  const { from, to, seconds } = tried;
  const here = from.name;
  const unknown = (because: string, fix: string): Answer => ({ answer: 'unknown', because: `it could not be tried: ${because}`, fix });
  if (code === NOT_ROOT)
    return unknown(
      `libvirtd of ${here} runs as root, and ${from.user ?? 'the login'} may do nothing as root there`,
      `Set ssh.sudo for ${here} (docs/drivers/libvirt.md).`,
    );
  if (/^sudo: /m.test(stderr))
    return unknown(
      `${from.user ?? 'the login'} may not run virsh by sudo on ${here}`,
      'Add the lines of docs/drivers/libvirt.md to sudoers there.',
    );
  if (code === NOT_FOUND) return unknown(`there is no virsh or no timeout on ${here}`, `Install libvirt-clients and coreutils there.`);
  if (code === LATE)
    return {
      answer: 'no',
      because: `${to.address} port ${to.port} is silent, as seen from ${here} (for ${seconds} s)`,
      fix: 'Open the way through the firewall, or correct the route.',
    };
  const known = causes.find(([pattern]) => pattern.test(stderr));
  if (known !== undefined) return { answer: 'no', ...known[1](tried) };
  const said = inOneLine(stderr);
  const byHand = `As root on ${here} run virsh -c '${uriOf(to)}' version.`;
  return /failed to connect/.test(stderr)
    ? { answer: 'no', because: `libvirt of ${here} cannot connect to that of ${to.name}: ${said}`, fix: byHand }
    : unknown(said === '' ? `virsh on ${here} ended with ${code}` : said, byHand);
}

/** What libvirt and ssh say (libvirt 9.0, OpenSSH 9.2), and what it means. The first that fits; a host key that changed says more than one that is unknown. */
const causes: readonly (readonly [RegExp, (tried: Tried) => Cause])[] = [
  [
    /host key .*has changed|IDENTIFICATION HAS CHANGED/i,
    ({ from, to }) => ({
      because: `root on ${from.name} knows another host key for ${to.address} than the one that it shows`,
      fix: `Compare the fingerprints; if the key is a new one, run ssh-keygen -R '${to.port === 22 ? to.address : `[${to.address}]:${to.port}`}' and once ${sshTo(to)} as root on ${from.name}.`,
    }),
  ],
  [
    /Host key verification failed/,
    ({ from, to }) => ({
      because: `root on ${from.name} does not know the host key of ${to.address} port ${to.port}`,
      fix: `Run ${sshTo(to)} once as root on ${from.name}, and compare the fingerprint that it shows.`,
    }),
  ],
  [
    /libvirt-sock.*Permission denied|authentication unavailable|authentication failed|polkit|access denied/i,
    ({ to }) => ({
      because: `${login(to)} has no right on libvirt of ${to.name}`,
      fix: `Add ${to.migrationUser ?? 'root'} to the group libvirt there, or set another migrationUser.`,
    }),
  ],
  [
    /Permission denied|Too many authentication failures/,
    ({ from, to }) => ({
      because: `root on ${from.name} has no SSH key that ${login(to)} accepts`,
      fix: `Run ssh-copy-id -p ${to.port} ${login(to)} as root on ${from.name}, with a key that has no passphrase.`,
    }),
  ],
  [
    /Network is unreachable|No route to host/,
    ({ from, to }) => ({ because: `${from.name} has no way to ${to.address}`, fix: 'Correct the route, or the address.' }),
  ],
  [
    /ssh: connect to host .*Connection refused/,
    ({ from, to }) => ({
      because: `nothing listens at ${to.address} port ${to.port}, as seen from ${from.name}`,
      fix: 'Start sshd there, or correct the address and the port.',
    }),
  ],
  [
    /ssh: connect to host .*timed out/i,
    ({ from, to }) => ({
      because: `${to.address} port ${to.port} is silent, as seen from ${from.name}`,
      fix: 'Open the way through the firewall, or correct the route.',
    }),
  ],
  [
    /Could not resolve hostname/,
    ({ from, to }) => ({
      because: `${from.name} does not know the name ${to.address}`,
      fix: 'Give the address as numbers, or repair the name service there.',
    }),
  ],
  [
    /cannot connect to '|Failed to connect socket/,
    ({ to }) => ({ because: `libvirt does not run on ${to.name}`, fix: 'systemctl start libvirtd (or virtqemud) there.' }),
  ],
  [
    /(virt-ssh-helper|nc): (command )?not found/,
    ({ to }) => ({ because: `there is neither virt-ssh-helper nor nc on ${to.name}`, fix: 'Install libvirt-daemon there.' }),
  ],
];

const login = ({ migrationUser, address }: ResolvedSshTarget): string => `${migrationUser ?? 'root'}@${address}`;
const sshTo = (to: ResolvedSshTarget): string => `ssh -p ${to.port} ${login(to)}`;
