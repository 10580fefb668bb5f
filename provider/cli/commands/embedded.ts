/** `vmplacement embedded ...`: what operators, guests and failing hosts would do, behind the back of every placement. */
import { PlacementError } from '../../core/errors.js';
import { formatDuration, parseDuration } from '../../core/units.js';
import { faults } from '../../drivers/embedded/faults.js';
import { openModel } from '../../drivers/embedded/index.js';
import { openOutside, type Outside } from '../../drivers/embedded/outside.js';
import type { Shown } from '../../drivers/embedded/show.js';
import { resolveDatacenter } from '../../drivers/open.js';
import { embeddedText } from '../../report/embedded-text.js';
import { schemaVersion, type ActionReport, type EmbeddedReport } from '../../report/types.js';
import { wrap, type Look } from '../../report/text.js';
import { actionText } from '../action-text.js';
import { checked } from '../connect.js';
import { shownPath } from '../io.js';
import { exitCodes, type Call, type Result } from '../result.js';
import { chooseOne, findSources } from '../source.js';
import { didYouMean } from '../suggest.js';

export async function show(call: Call): Promise<Result> {
  const { outside, store } = await open(call);
  const { now, clock, violations, ...shown } = await outside.show();
  const lostWrites = violations.filter((violation) => violation.kind === 'lost-write').length;
  const report: EmbeddedReport = { ...shown, schemaVersion, kind: 'embedded', store, clock: { kind: clock, now }, lostWrites, violations };
  return {
    report,
    text: embeddedText({ ...report, store: shownPath(store, call.io) }, call.look),
    exit: violations.length === 0 ? exitCodes.fine : exitCodes.error,
  };
}

export async function move(call: Call, wanted: string, to: string): Promise<Result> {
  const { outside } = await open(call);
  const world = await outside.show();
  const [vm, host] = [vmIn(world, wanted), hostIn(world, to)];
  await outside.move(vm, host);
  return done(call, outside, 'embedded move', vm, 'Moved by hand, past its placement.');
}

export async function shutdown(call: Call, wanted: string, how: 'clean' | 'hard'): Promise<Result> {
  const { outside } = await open(call);
  const vm = vmIn(await outside.show(), wanted);
  await outside.shutdown(vm, how);
  return done(call, outside, 'embedded shutdown', vm, how === 'clean' ? 'The guest was told to shut down.' : 'Powered off.');
}

export async function start(call: Call, wanted: string, on: string | undefined): Promise<Result> {
  const { outside } = await open(call);
  const world = await outside.show();
  const vm = vmIn(world, wanted);
  await outside.start(vm, on === undefined ? undefined : hostIn(world, on));
  return done(call, outside, 'embedded start', vm, 'Started.');
}

export async function fault(call: Call, [name, ...words]: readonly string[]): Promise<Result> {
  if (name === undefined) return listFaults(call.look);
  const chosen = Object.hasOwn(faults, name) ? faults[name] : undefined;
  if (chosen === undefined) {
    throw new PlacementError('input', `There is no fault ${name}.${didYouMean(name, Object.keys(faults))}`, {
      next: 'vmplacement embedded fault lists them.',
    });
  }
  const places = chosen.usage.split(' ');
  const needed = places.filter((place) => !place.startsWith('[')).length;
  if (words.length < needed || words.length > places.length) {
    throw new PlacementError('input', `This takes: vmplacement embedded fault ${name} ${chosen.usage}`);
  }
  const { outside } = await open(call);
  const world = await outside.show();
  const given = words.map((word, index) => lookUp(world, places[index], word));
  await chosen.apply(outside, given);
  return done(
    call,
    outside,
    'embedded fault',
    places[0] === '<vm>' ? (given[0] ?? null) : null,
    `Done: ${name} ${given.join(' ')} (${chosen.description}).`,
  );
}

export async function advance(call: Call, duration: string): Promise<Result> {
  const milliseconds = parseDuration(duration);
  const { outside } = await open(call);
  await outside.advance(milliseconds);
  const { now } = await outside.show();
  return done(call, outside, 'embedded advance', null, `${formatDuration(milliseconds)} went by; it is ${now} now.`);
}

export async function reset(call: Call): Promise<Result> {
  const { outside, store } = await open(call);
  await outside.reset();
  return done(call, outside, 'embedded reset', null, `Everything is as declared again (${shownPath(store, call.io)}).`);
}

async function open(call: Call): Promise<{ readonly outside: Outside; readonly store: string }> {
  const found = chooseOne(await findSources(call.source, call.io), call.source.provider);
  const { platform } = await resolveDatacenter(await checked(found), found.baseDir);
  if (platform.name !== 'embedded')
    throw new PlacementError('input', `${found.source} is no embedded datacenter but ${platform.name}.`, {
      next: 'use the tools of that platform.',
    });
  const { embedded } = platform;
  return { outside: openOutside(openModel(embedded, { folder: embedded.store })), store: embedded.store };
}

async function done(call: Call, outside: Outside, command: string, vm: string | null, what: string): Promise<Result> {
  const now = vm === null ? undefined : (await outside.show()).vms.find((one) => one.name === vm || one.uuid === vm);
  const copies = now?.copies.map((copy) => `${copy.power} on ${copy.place}${copy.role === 'live' ? '' : ` (${copy.role})`}`) ?? [];
  const message = now === undefined ? what : `${now.name}: ${what} Now: ${copies.join(', ')}.`;
  const report: ActionReport = { schemaVersion, kind: 'action', command, vm: now?.name ?? null, message, next: null, status: null };
  return { report, text: actionText(report, call.look), exit: exitCodes.fine };
}

function lookUp(world: Shown, argument: string | undefined, word: string): string {
  switch (argument) {
    case '<vm>':
      return vmIn(world, word);
    case '<host>':
      return hostIn(world, word);
    case '<place>':
      return placeIn(world, word);
    default:
      return word;
  }
}

function vmIn(world: Shown, wanted: string): string {
  const matches = world.vms.filter((vm) => vm.name === wanted || vm.uuid === wanted);
  if (matches.length === 1) return wanted;
  if (matches.length > 1)
    throw new PlacementError('input', `The name ${wanted} is used by several VMs: ${matches.map((vm) => vm.uuid).join(', ')}.`, {
      next: 'name it by its UUID.',
    });
  throw new PlacementError(
    'input',
    `There is no VM ${wanted}.${didYouMean(
      wanted,
      world.vms.map((vm) => vm.name),
    )}`,
    { vm: wanted },
  );
}

/** `host`, or `cluster/host` as everything else prints it. */
function hostIn(world: Shown, wanted: string): string {
  const names = world.hosts.map(({ place }) => place.slice(place.indexOf('/') + 1));
  const match = world.hosts.findIndex(({ place }, index) => place === wanted || names[index] === wanted);
  if (match >= 0) return names[match] ?? wanted;
  throw new PlacementError(
    'input',
    `There is no host ${wanted}.${didYouMean(wanted, [...names, ...world.hosts.map(({ place }) => place)])}`,
  );
}

/** A cluster, or a host. */
function placeIn(world: Shown, wanted: string): string {
  const clusters = [...new Set(world.hosts.map(({ place }) => place.slice(0, place.indexOf('/'))))];
  if (clusters.includes(wanted)) return wanted;
  try {
    return hostIn(world, wanted);
  } catch (cause) {
    const hosts = world.hosts.map(({ place }) => place.slice(place.indexOf('/') + 1));
    throw new PlacementError('input', `There is no cluster and no host ${wanted}.${didYouMean(wanted, [...clusters, ...hosts])}`, {
      cause,
    });
  }
}

function listFaults(look: Look): Result {
  const rows = Object.entries(faults).map(([name, { usage, description }]) => ({ name, usage, description }));
  const lines = rows.map(({ name, usage, description }) => `  ${name} ${usage}\n${wrap(`      ${description}`, look.columns, 6)}`);
  const report = { schemaVersion, kind: 'faults', faults: rows };
  return { report, text: `vmplacement embedded fault ...\n${lines.join('\n')}\n`, exit: exitCodes.fine };
}
