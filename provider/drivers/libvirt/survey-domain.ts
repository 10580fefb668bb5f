/** A copy of a VM from the definition of its domain on one host. */
import type { Element } from '@xmldom/xmldom';
import { iso } from '../../core/clock.js';
import {
  isKnown,
  isUnknown,
  unknown,
  type Copy,
  type CopyRole,
  type Device,
  type Disk,
  type Firmware,
  type Maybe,
  type Nic,
  type Power,
  type StateFile,
  type Timestamp,
  type Vm,
} from '../../core/inventory.js';
import { blockedBy } from './block.js';
import { isOwnCheckpoint } from './checkpoints.js';
import { cpuDefinitionOf } from './cpu-compare.js';
import { givenByHand, stateOf, type DomainState, type ReadState } from './metadata.js';
import { loggedPower, powerLogOf, uncleanEnds, type PowerLog, type UncleanEnd } from './power-log.js';
import type { Reading } from './reading.js';
import { bridgeName, clockOf, cpuName, featuresOf, poolOf, type PoolPlace } from './survey-host.js';
import { nvramOf } from './undefine.js';
import { all, attribute, bytesOf, first, parseXml, textOf } from './xml.js';

/** One domain on one host. `details` is what a VM of the inventory has beside its copies. */
export interface DomainReading {
  readonly uuid: string;
  readonly name: string;
  readonly copy: Copy;
  readonly details: Omit<Vm, 'name' | 'uuid' | 'copies' | 'annotation' | 'record' | 'recordProblem' | 'claim' | 'lease'>;
  readonly state: ReadState;
  /** By the clock of its host. */
  readonly readAt: Timestamp;
  /** Values of the shutdown annotation that were set by `virsh metadata`. */
  readonly byHand: readonly string[];
  readonly checkpoints: readonly string[];
  /** null: its log could not be read. */
  readonly uncleanEnds: readonly UncleanEnd[] | null;
  /** The move that blocks its start. */
  readonly blockedBy: string | null;
  /** All that its definition names, also what nothing tells the size of. */
  readonly images: readonly Image[];
}

/** A file, device or volume that a definition names. */
export interface Image {
  /** What the guest sees it as (`vda`), also of what lies below that. */
  readonly disk: string;
  /** `medium`: of a CD-ROM or floppy; `below`: a backing file, which the definition of a VM that runs tells. */
  readonly kind: 'disk' | 'medium' | 'below';
  readonly path: string;
  readonly format: string;
  readonly pool: string;
  readonly storageId: Disk['storageId'];
  /** Its pool is not active, so that only its name is known, and not its folder. */
  readonly folderUnknown: boolean;
}

interface Context {
  readonly reading: Reading;
  readonly cluster: string;
  readonly host: string;
  readonly pools: readonly PoolPlace[];
  readonly stats: ReadonlyMap<string, Stats>;
  readonly log: PowerLog;
}

export function domainsOf(
  reading: Reading,
  at: { readonly cluster: string; readonly host: string; readonly pools: readonly PoolPlace[] },
): readonly DomainReading[] {
  const context = { ...at, reading, stats: statsOf(reading.get('stats') ?? ''), log: powerLogOf(reading.get('logs') ?? '') };
  // One that went away between the list and the question has no definition.
  return lines(reading, 'domains').flatMap((uuid) => ((reading.get(`xml-${uuid}`) ?? '') === '' ? [] : [domainOf(uuid, context)]));
}

function domainOf(uuid: string, context: Context): DomainReading {
  const { reading, host, cluster } = context;
  const inactive = parseXml(reading.get(`xml-${uuid}`) ?? '');
  const liveText = reading.get(`live-${uuid}`) ?? '';
  // What a running VM was started with, and what was plugged in since, is in its live definition only.
  const xml = liveText === '' ? inactive : parseXml(liveText);
  const name = textOf(inactive, 'name') ?? uuid;
  const stats = context.stats.get(name);
  const saved = lines(reading, 'saved').includes(uuid);
  const state = withoutEndedLease(stateOf(inactive), clockOf(reading));
  const { label } = state.state;
  const told = saved ? 'saved' : powerOf(stats?.state ?? null);
  const { power, lastChange } = loggedPower(context.log, { name, power: told, madeMs: label?.role === 'incoming' ? label.at : null });
  const images = imagesOf(xml, context.pools);
  const disks = disksOf(images, host, stats);
  const persistent = lines(reading, 'persistent').includes(uuid);
  const checkpoints = lines(reading, `checkpoints-${uuid}`);
  return {
    uuid,
    name,
    copy: {
      ref: { cluster, host, platformId: uuid, ...(label === undefined ? {} : { moveId: label.moveId }) },
      role: roleOf(label, power, lastChange),
      power,
      lastChange,
      autostart: lines(reading, 'autostart').includes(uuid),
      blocked: blockedBy(inactive) !== null,
      storedBytes: isUnknown(disks) ? disks : disks.reduce((sum, disk) => sum + disk.allocatedBytes, 0),
    },
    details: {
      cpu: cpuOf(xml, reading),
      machineType: attribute(first(xml, 'os', 'type'), 'machine') ?? unknown('its definition names none'),
      firmware: firmwareOf(xml),
      memoryBytes: bytesOf(first(xml, 'memory')) ?? unknown('its definition names no size that is understood'),
      disks,
      nics: nicsOf(xml),
      devices: devicesOf(xml),
      consoles: power === 'running' ? all(xml, 'devices', 'graphics').flatMap((one) => consoleOf(attribute(one, 'type'))) : [],
      os: osOf(xml),
      // Without its checkpoints the next incremental backup is a full one.
      snapshots: [
        ...lines(reading, `snapshots-${uuid}`),
        ...checkpoints.filter((name) => !isOwnCheckpoint(name)).map((name) => `checkpoint ${name}`),
      ],
      stateFiles: stateFilesOf(xml),
      locks: locksOf(reading.get(`job-${uuid}`) ?? '', state.state.work?.staged?.pass !== undefined),
      affinity: [],
      ha: false,
      conditions: persistent ? [] : ['transient'],
      dirtyRate: unknown('libvirt does not measure it beforehand'),
    },
    state,
    readAt: iso(clockOf(reading) ?? 0),
    byHand: givenByHand(inactive, liveText === '' ? null : xml),
    checkpoints,
    uncleanEnds: uncleanEnds(context.log, { name, power }),
    blockedBy: blockedBy(inactive),
    images,
  };
}

/** A label holds until the copy runs: then it is the VM itself, whoever started it. */
function roleOf(label: DomainState['label'], power: Power, lastChange: Copy['lastChange']): CopyRole {
  if (label === undefined || power === 'running') return 'live';
  const isStopped = power === 'off' || power === 'crashed';
  return isStopped && isKnown(lastChange) && Date.parse(lastChange.at) > label.at ? 'live' : label.role;
}

/** Told only while it lasts, by the clock of the host. */
function withoutEndedLease(read: ReadState, nowMs: number | null): ReadState {
  const { lease, ...state } = read.state;
  return lease === undefined || nowMs === null || lease.until > nowMs ? read : { ...read, state };
}

const lines = (reading: Reading, key: string): readonly string[] =>
  (reading.get(key) ?? '').split('\n').flatMap((line) => line.trim() || []);

interface Stats {
  readonly state: number | null;
  readonly blocks: ReadonlyMap<string, { readonly allocation: number | null; readonly capacity: number | null }>;
}

function statsOf(text: string): ReadonlyMap<string, Stats> {
  const found = new Map<string, Stats>();
  for (const part of text.split(/^Domain: '/m).slice(1)) {
    const [head = '', ...rest] = part.split('\n');
    const values = new Map(
      rest.flatMap((line): [string, string][] => {
        const [, key, value] = /^\s+([\w.]+)=(.*)$/.exec(line) ?? [];
        return key === undefined ? [] : [[key, value ?? '']];
      }),
    );
    const number = (key: string): number | null => (values.has(key) ? Number(values.get(key)) : null);
    const blocks = Array.from({ length: number('block.count') ?? 0 }, (_, index) => {
      const at = `block.${index}`;
      return [values.get(`${at}.name`) ?? '', { allocation: number(`${at}.allocation`), capacity: number(`${at}.capacity`) }] as const;
    });
    found.set(head.replace(/'$/, ''), { state: number('state.state'), blocks: new Map(blocks) });
  }
  return found;
}

/** virDomainState. A VM that is shutting down still runs. */
function powerOf(state: number | null): Power {
  switch (state) {
    case 0:
    case 1:
    case 2:
    case 4:
      return 'running';
    case 3:
      return 'paused';
    case 5:
      return 'off';
    case 6:
      return 'crashed';
    case 7:
      return 'suspended';
    default:
      return 'unknown';
  }
}

function cpuOf(xml: Element, reading: Reading): Vm['cpu'] {
  const arch = attribute(first(xml, 'os', 'type'), 'arch');
  if (arch === null) return unknown('its definition names no architecture');
  const type = attribute(xml, 'type') ?? 'kvm';
  const cpu = first(xml, 'cpu');
  const mode = attribute(cpu, 'mode') ?? (cpu === undefined ? '' : 'custom');
  if (cpu === undefined || mode === 'host-model') return { arch, model: null, features: [] };
  // It sees all that its host has.
  if (mode !== 'custom') return { arch, model: null, features: featuresOf(reading, type) };
  const model = textOf(cpu, 'model');
  const definition = cpuDefinitionOf(xml);
  const needed = all(cpu, 'feature').filter((feature) => ['require', 'force', null].includes(attribute(feature, 'policy')));
  return {
    arch,
    model: model === null || model === '' ? null : cpuName(model, type),
    features: needed.map((feature) => cpuName(attribute(feature, 'name') ?? '', type)),
    ...(definition === null ? {} : { definition }),
  };
}

function firmwareOf(xml: Element): Firmware {
  const loader = first(xml, 'os', 'loader');
  return attribute(first(xml, 'os'), 'firmware') === 'efi' || attribute(loader, 'type') === 'pflash' ? 'uefi' : 'bios';
}

function disksOf(images: readonly Image[], host: string, stats: Stats | undefined): Maybe<readonly Disk[]> {
  const disks = images.flatMap(({ disk: name, kind, path, format, pool, storageId }): Maybe<Disk>[] => {
    if (kind !== 'disk') return [];
    const block = stats?.blocks.get(name);
    const capacity = block?.capacity ?? null;
    if (capacity === null) return [unknown(`libvirt does not tell the size of disk ${name} (${path})`)];
    return [
      {
        name,
        pool,
        path,
        format,
        virtualBytes: capacity,
        allocatedBytes: block?.allocation ?? capacity,
        sharedWith: unknown(`the other VMs of ${host} are looked at together`),
        // What a pass keeps meanwhile is a file beside it.
        tracked: format === 'qcow2' && !path.startsWith('/dev/'),
        storageId,
      },
    ];
  });
  return disks.find(isUnknown) ?? disks.filter(isKnown);
}

function imagesOf(xml: Element, pools: readonly PoolPlace[]): readonly Image[] {
  return all(xml, 'devices', 'disk').flatMap((disk) => {
    const name = attribute(first(disk, 'target'), 'dev') ?? '';
    const isDisk = (attribute(disk, 'device') ?? 'disk') === 'disk';
    // Drives may be empty.
    if (!isDisk && first(disk, 'source') === undefined) return [];
    const format = attribute(first(disk, 'driver'), 'type') ?? 'raw';
    const top: Image = { disk: name, kind: isDisk ? 'disk' : 'medium', format, ...sourceOf(disk, pools) };
    return [top, ...imagesBelow(disk, name, pools)];
  });
}

function imagesBelow(image: Element, disk: string, pools: readonly PoolPlace[]): readonly Image[] {
  const store = first(image, 'backingStore');
  // The end of a chain is an empty element.
  if (store === undefined || first(store, 'source') === undefined) return [];
  const format = attribute(first(store, 'format'), 'type') ?? 'raw';
  return [{ disk, kind: 'below', format, ...sourceOf(store, pools) }, ...imagesBelow(store, disk, pools)];
}

/** @param image a disk, or what is below one. */
function sourceOf(image: Element, pools: readonly PoolPlace[]): Pick<Image, 'path' | 'pool' | 'storageId' | 'folderUnknown'> {
  const source = first(image, 'source');
  const placed = (path: string, { name, storageId }: Omit<PoolPlace, 'path'>, folderUnknown = false): ReturnType<typeof sourceOf> => ({
    path,
    pool: name,
    storageId,
    folderUnknown,
  });
  const path = attribute(source, 'file') ?? attribute(source, 'dev');
  if (path !== null) return placed(path, poolOf(path, pools));
  const named = attribute(source, 'pool');
  if (named !== null) {
    const volume = attribute(source, 'volume') ?? '';
    const pool = pools.find(({ name }) => name === named);
    return pool === undefined
      ? placed(`${named}/${volume}`, { name: named, storageId: unknown(`pool ${named} is not active`) }, true)
      : placed(`${pool.path ?? named}/${volume}`, pool);
  }
  const protocol = attribute(source, 'protocol') ?? attribute(image, 'type') ?? 'unknown';
  const storageId = unknown(`a disk by ${protocol}: whether other hosts reach it was not read`);
  return placed(`${protocol}:${attribute(source, 'name') ?? ''}`, { name: protocol, storageId });
}

function nicsOf(xml: Element): readonly Nic[] {
  return all(xml, 'devices', 'interface').flatMap((nic, index): Nic[] => {
    const source = first(nic, 'source');
    const network = attribute(source, 'network');
    const bridge = attribute(source, 'bridge');
    const type = attribute(nic, 'type') ?? '';
    if (type === 'hostdev') return [];
    const name = network ?? (bridge === null ? type : bridgeName(bridge));
    return [
      { name: attribute(first(nic, 'alias'), 'name') ?? `net${index}`, network: name, mac: attribute(first(nic, 'mac'), 'address') ?? '' },
    ];
  });
}

function devicesOf(xml: Element): readonly Device[] {
  const passed = all(xml, 'devices', 'hostdev').map((device, index): Device => {
    const type = attribute(device, 'type');
    return {
      name: attribute(first(device, 'alias'), 'name') ?? `hostdev${index}`,
      kind: type === 'usb' ? 'usb' : type === 'mdev' ? 'gpu' : 'pci',
      hostLocal: true,
    };
  });
  const nics = all(xml, 'devices', 'interface')
    .filter((nic) => attribute(nic, 'type') === 'hostdev')
    .map((nic, index): Device => ({ name: attribute(first(nic, 'alias'), 'name') ?? `nic${index}`, kind: 'sriov', hostLocal: true }));
  const media = all(xml, 'devices', 'disk')
    .filter((disk) => ['cdrom', 'floppy'].includes(attribute(disk, 'device') ?? ''))
    .map((disk): Device => {
      const source = first(disk, 'source');
      const medium = ['file', 'dev', 'volume'].some((key) => attribute(source, key) !== null);
      return { name: attribute(first(disk, 'target'), 'dev') ?? 'cdrom', kind: 'cdrom', hostLocal: medium };
    });
  return [...passed, ...nics, ...media];
}

const consoleOf = (type: string | null): readonly string[] => (type === 'vnc' || type === 'spice' ? [type] : []);

function osOf(xml: Element): Vm['os'] {
  const agent = all(xml, 'devices', 'channel', 'target').find((target) => attribute(target, 'name') === 'org.qemu.guest_agent.0');
  return attribute(agent, 'state') === 'connected' ? { installed: true, seenBy: 'agent' } : unknown('no guest agent answers');
}

/** As QEMU and swtpm make them; only for the estimate. */
const stateFileBytes = { nvram: 540_672, tpm: 16_384, secret: 64 } as const;

function stateFilesOf(xml: Element): Maybe<readonly StateFile[]> {
  const file = (kind: StateFile['kind'], path: string): StateFile => ({ kind, path, bytes: stateFileBytes[kind] });
  const nvram = nvramOf(xml);
  const tpm = all(xml, 'devices', 'tpm', 'backend').some((backend) => attribute(backend, 'type') === 'emulator');
  const secret = all(xml, 'devices', 'disk', 'source', 'encryption').length + all(xml, 'devices', 'disk', 'encryption').length > 0;
  return [
    ...(nvram === null ? [] : [file('nvram', nvram)]),
    ...(tpm ? [file('tpm', `/var/lib/libvirt/swtpm/${textOf(xml, 'uuid') ?? ''}`)] : []),
    ...(secret ? [file('secret', 'libvirt secret')] : []),
  ];
}

/** @param copies its move has begun a pass, which is a backup to libvirt. */
function locksOf(job: string, copies: boolean): Vm['locks'] {
  const type = /^Job type:\s+(.*?)\s*$/m.exec(job)?.[1] ?? 'None';
  const operation = /^Operation:\s+(.*?)\s*$/m.exec(job)?.[1];
  if (copies && operation === 'Backup') return [];
  return type === 'None' || type === 'Completed' ? [] : [{ by: `libvirt job: ${operation ?? type}` }];
}
