/** `vmplacement doctor`: whether a configuration would work, one line per check, each with what to do. Changes nothing. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { versions } from 'node:process';
import type { HostCheck } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { isKnown, isUnknown, placeText, reasonOf, type Inventory } from '../../core/inventory.js';
import { count, field, paint, wrap, type Look, type Style } from '../../report/text.js';
import { schemaVersion, type DoctorCheck, type DoctorReport } from '../../report/types.js';
import { formatDuration } from '../../core/units.js';
import { resolveDatacenter } from '../../drivers/open.js';
import { checked, withSession } from '../connect.js';
import { shownPath, type Io } from '../io.js';
import { exitCodes, type Call, type Result } from '../result.js';
import { cliStack } from '../stack-identity.js';
import { findSources, type Found } from '../source.js';
import { fail, ok, warn } from './doctor-check.js';
import { linkChecks } from './doctor-links.js';

export async function doctor(call: Call): Promise<Result> {
  const checks: DoctorCheck[] = [nodeCheck(), await pulumiCheck(call)];
  const found = await configured(call, checks);
  for (const one of found) checks.push(...(await datacenterChecks(call, one)));
  const report: DoctorReport = { schemaVersion, kind: 'doctor', checks };
  const failed = checks.some((check) => check.result === 'fail');
  return { report, text: doctorText(checks, call.look), exit: failed ? exitCodes.error : exitCodes.fine };
}

function nodeCheck(): DoctorCheck {
  const [major = 0, minor = 0] = versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  return fits
    ? ok('node', versions.node)
    : warn('node', `${versions.node} is not a version this is tested with`, 'use Node 20.19, 22.12 or 24, or newer ones of these lines.');
}

const oldestPulumi = [3, 230] as const;

async function pulumiCheck({ io }: Call): Promise<DoctorCheck> {
  const result = await io.exec('pulumi', ['version'], io.cwd);
  if ('missing' in result)
    return warn('pulumi', 'not on the PATH', 'install the Pulumi CLI; this command works without it, `pulumi up` does not.');
  const version = result.stdout.trim();
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (result.code !== 0 || version === '') return warn('pulumi', `\`pulumi version\` failed: ${result.stderr.trim()}`, 'run it by hand.');
  const fits = major > oldestPulumi[0] || (major === oldestPulumi[0] && minor >= oldestPulumi[1]);
  return fits ? ok('pulumi', version) : warn('pulumi', `${version} is older than v${oldestPulumi.join('.')}.0`, 'update the Pulumi CLI.');
}

async function configured(call: Call, checks: DoctorCheck[]): Promise<readonly Found[]> {
  try {
    const sources = await findSources(call.source, call.io);
    const chosen = sources.found.filter(
      (one) => sources.forced || call.source.provider === undefined || (one.provider ?? 'default') === call.source.provider,
    );
    const names = chosen.map((one) => one.source).join(', ');
    checks.push(
      chosen.length > 0
        ? ok('configuration', names)
        : fail('configuration', `no provider ${call.source.provider ?? ''}`, 'see --provider.'),
    );
    return chosen;
  } catch (error) {
    checks.push(failed('configuration', error));
    return [];
  }
}

async function datacenterChecks(call: Call, found: Found): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  try {
    const { platform } = await resolveDatacenter(await checked(found), found.baseDir);
    if (platform.name === 'embedded') checks.push(storeCheck(platform.embedded.store, call.io));
    await withSession(
      found,
      async () => ({ stack: cliStack(call.io) }),
      call.io,
      async ({ session, datacenter }) => {
        checks.push(ok('driver', `${datacenter.platform} opened`));
        const inventory = await session.inventory();
        checks.push(...inventoryChecks(inventory), ...(await linkChecks(session, inventory)), ...recordChecks(inventory));
        checks.push(...((await session.driver.examine?.()) ?? []).map(hostCheck));
      },
    );
  } catch (error) {
    checks.push(failed(found.source, error));
  }
  return checks;
}

/** The folder may not exist before the first use: then the nearest one above it must let us make it. */
function storeCheck(folder: string, io: Io): DoctorCheck {
  let at = resolve(folder);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  try {
    accessSync(at, constants.W_OK);
    return ok('store', `${shownPath(folder, io)}${at === resolve(folder) ? '' : ' (made at the first use)'}`);
  } catch {
    return fail('store', `${at} cannot be written`, `give this user the right to write there, or set \`store\` to another folder.`);
  }
}

function inventoryChecks(inventory: Inventory): DoctorCheck[] {
  const unread = inventory.hosts.filter((host) => isUnknown(host.facts));
  const read = `${count(inventory.hosts.length - unread.length, 'host')} of ${inventory.hosts.length} in ${count(inventory.clusters.length, 'cluster')}, ${count(inventory.vms.length, 'VM')}`;
  const closed = inventory.clusters.filter((cluster) => isKnown(cluster.connected) && !cluster.connected).map((cluster) => cluster.name);
  return [
    unread.length === 0 ? ok('hosts', read) : warn('hosts', read, 'VMs on the others are unknown, nothing that may be there is moved.'),
    ...unread.map(unreadCheck),
    ...(closed.length === 0 ? [] : [warn('clusters', `not connected: ${closed.join(', ')}`, 'connect them to the management.')]),
    versionCheck(inventory),
    clockCheck(inventory),
  ];
}

const recordChecks = ({ vms }: Inventory): DoctorCheck[] =>
  vms.flatMap(({ name, recordProblem }) =>
    recordProblem === undefined
      ? []
      : [warn('record', `${name}: ${recordProblem}`, 'a newer version may have written it: update this one.')],
  );

function unreadCheck({ name, cluster, facts }: Inventory['hosts'][number]): DoctorCheck {
  const { why, next } = isUnknown(facts) ? reasonOf(facts) : { why: '', next: null };
  return warn('host', `${cluster}/${name}: ${why}`, `${next ?? 'bring this host back or take it out'}.`);
}

const hostCheck = ({ host, kind, ...said }: HostCheck): DoctorCheck => ({
  name: kind,
  ...(host === null ? {} : { host: placeText(host) }),
  ...said,
});

function versionCheck({ clusters }: Inventory): DoctorCheck {
  const text = clusters.map(({ name, version }) => `${name} ${isKnown(version) ? version : 'unknown'}`).join(', ');
  return ok('versions', text);
}

/** No decision hangs on the clocks of hosts; people who compare times of two hosts do. */
const clocksApartMs = 30_000;

function clockCheck({ hosts, observedAt }: Inventory): DoctorCheck {
  const apart = hosts
    .filter((host) => isKnown(host.facts))
    .map((host) => ({ host, ms: Date.parse(host.observedAt) - Date.parse(observedAt) }))
    .filter(({ ms }) => Math.abs(ms) >= clocksApartMs);
  if (apart.length === 0) return ok('clocks', 'those of the hosts that were read agree');
  const text = apart.map(({ host, ms }) => `${host.cluster}/${host.name} ${formatDuration(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`);
  return warn('clocks', text.join(', '), 'set them by NTP; times that are shown are otherwise hard to compare.');
}

function failed(name: string, error: unknown): DoctorCheck {
  if (PlacementError.isInstance(error)) {
    const fix = error.next ?? 'correct the configuration.';
    return fail(name, error.said, fix);
  }
  return fail(name, error instanceof Error ? error.message : String(error), 'this is not expected: report it.');
}

const style: Readonly<Record<DoctorCheck['result'], Style>> = { ok: 'green', warn: 'yellow', fail: 'red' };

function doctorText(checks: readonly DoctorCheck[], look: Look): string {
  const lines = summed(checks).flatMap((check) => {
    const line = field(check.name.length > 14 ? 'datacenter' : check.name, check.message, { ...look, columns: look.columns - 4 }, 15).slice(
      2,
    );
    const [first = '', ...rest] = line.split('\n');
    const marked = [`${paint(look, style[check.result], check.result.padEnd(4))} ${first}`, ...rest.map((more) => `   ${more}`)];
    return check.fix === '' ? marked : [...marked, wrap(`${' '.repeat(20)}-> ${check.fix}`, look.columns, 3)];
  });
  const bad = checks.filter((check) => check.result === 'fail').length;
  const odd = checks.filter((check) => check.result === 'warn').length;
  const parts = [...(bad > 0 ? [`${bad} failed`] : []), ...(odd > 0 ? [count(odd, 'warning')] : [])];
  return `${[...lines, '', parts.length === 0 ? 'All is well.' : `${parts.join(', ')}.`].join('\n')}\n`;
}

/** Of hosts every line that is not well, and one of each kind for all that are. */
function summed(checks: readonly DoctorCheck[]): readonly DoctorCheck[] {
  const kinds = new Set(checks.filter((check) => check.host !== undefined).map(({ name }) => name));
  const ofHosts = [...kinds].flatMap((kind) => {
    const all = checks.filter((check) => check.name === kind && check.host !== undefined);
    const well = all.filter(({ result }) => result === 'ok');
    const odd = all
      .filter(({ result }) => result !== 'ok')
      .map((check) => ({ ...check, message: `${check.host ?? ''}: ${check.message}` }));
    return well.length === 0 ? odd : [ok(kind, wellText(well, all)), ...odd];
  });
  return [...checks.filter((check) => check.host === undefined), ...ofHosts];
}

/** What is the same is said once; where nearly every host says something else, only how many they are. */
function wellText(well: readonly DoctorCheck[], all: readonly DoctorCheck[]): string {
  const messages = [...new Set(well.map(({ message }) => message))];
  const hosts = count(well.length, 'host');
  if (messages.length > mostSaid) return `${hosts}; each by itself with --json`;
  if (messages.length === 1 && well.length === all.length) return `${hosts}: ${messages[0] ?? ''}`;
  const having = (wanted: string): string => well.flatMap(({ host, message }) => (message === wanted ? [host ?? ''] : [])).join(', ');
  return messages.map((message) => `${having(message)}: ${message}`).join('; ');
}

const mostSaid = 4;
