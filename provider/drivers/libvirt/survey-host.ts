/** A host of the inventory from what it said. */
import { unknown, type Firmware, type HostFacts, type Maybe, type Pool } from '../../core/inventory.js';
import { virtTypes, type Reading } from './reading.js';
import { all, attribute, first, parseXml, textOf } from './xml.js';

export interface PoolPlace {
  readonly name: string;
  /** Folder, volume group or the like; null for pools without one. */
  readonly path: string | null;
  readonly storageId: Maybe<string | null>;
}

export function hostFacts(reading: Reading): HostFacts {
  const pools = poolsOf(reading);
  return {
    cpu: cpuOf(reading),
    machineTypes: machineTypesOf(reading),
    firmware: firmwareOf(reading),
    memory: memoryOf(reading),
    pools: pools.map(({ pool }) => pool),
    networks: networksOf(reading),
  };
}

/** QEMU's own emulation offers another CPU than KVM: its names carry this, so that each VM is held against what it runs on. */
export const cpuName = (name: string, virtType: string): string => (virtType === 'kvm' ? name : `${name} (TCG)`);

function cpuOf(reading: Reading): HostFacts['cpu'] {
  const capabilities = reading.get('capabilities') ?? '';
  const arch = capabilities === '' ? null : textOf(parseXml(capabilities), 'host', 'cpu', 'arch');
  if (arch === null) return unknown('libvirt tells nothing of the CPU');
  const models = virtTypes.flatMap((type) => {
    const text = reading.get(`domcapabilities-${type}`) ?? '';
    if (text === '') return [];
    const custom = all(parseXml(text), 'cpu', 'mode').find((mode) => attribute(mode, 'name') === 'custom');
    if (custom === undefined) return [];
    const usable = all(custom, 'model').filter((model) => attribute(model, 'usable') === 'yes');
    return usable.map((model) => cpuName(model.textContent ?? '', type));
  });
  return { arch, models, features: virtTypes.flatMap((type) => featuresOf(reading, type)) };
}

/** All that a guest may be given here: what the model implies is spelled out too. */
export function featuresOf(reading: Reading, virtType: string): readonly string[] {
  const text = reading.get(`cpu-${virtType}`) ?? '';
  if (text === '') return [];
  return all(parseXml(text), 'feature')
    .filter((feature) => attribute(feature, 'policy') === 'require')
    .map((feature) => cpuName(attribute(feature, 'name') ?? '', virtType));
}

function machineTypesOf(reading: Reading): Maybe<readonly string[]> {
  const text = reading.get('capabilities') ?? '';
  if (text === '') return unknown('libvirt tells nothing of machine types');
  const machines = all(parseXml(text), 'guest', 'arch', 'machine');
  return [...new Set(machines.flatMap((machine) => [machine.textContent ?? '', attribute(machine, 'canonical') ?? '']))].filter(
    (name) => name !== '',
  );
}

function firmwareOf(reading: Reading): Maybe<readonly Firmware[]> {
  const texts = virtTypes.flatMap((type) => reading.get(`domcapabilities-${type}`) ?? []).filter((text) => text !== '');
  if (texts.length === 0) return unknown('libvirt tells nothing of firmware');
  const values = texts.flatMap((text) => all(parseXml(text), 'os', 'enum', 'value').map((value) => value.textContent));
  return values.includes('efi') ? ['bios', 'uefi'] : ['bios'];
}

function memoryOf(reading: Reading): HostFacts['memory'] {
  const text = reading.get('memory') ?? '';
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const [total, free] = [kib('MemTotal'), kib('MemAvailable')];
  if (Number.isNaN(total) || Number.isNaN(free)) return unknown('/proc/meminfo was not read');
  return { totalBytes: total * 1024, freeBytes: free * 1024 };
}

function networksOf(reading: Reading): Maybe<readonly string[]> {
  const text = reading.get('networks');
  if (text === undefined) return unknown('the networks were not read');
  const bridges = (reading.get('bridges') ?? '').split('\n').flatMap((line) => /^\/sys\/class\/net\/(.+)\/bridge$/.exec(line)?.[1] ?? []);
  return [...text.split('\n').filter((line) => line !== ''), ...bridges.map(bridgeName)];
}

/** A bridge that a NIC names by itself, without a network of libvirt. */
export const bridgeName = (bridge: string): string => `${bridgePrefix}${bridge}`;
export const bridgePrefix = 'bridge:';

export function poolsOf(reading: Reading): readonly { readonly pool: Pool; readonly place: PoolPlace }[] {
  return [...reading].flatMap(([key, text]) => {
    if (!key.startsWith('pool-') || text === '') return [];
    const xml = parseXml(text);
    const [name, path] = [textOf(xml, 'name') ?? '', textOf(xml, 'target', 'path')];
    const type = attribute(xml, 'type') ?? '';
    const fs = fileSystem(reading.get(`fs-${path ?? ''}`) ?? '');
    const storageId = storageOf(type, fs?.type ?? null);
    const told = Number(first(xml, 'available')?.textContent ?? Number.NaN);
    const freeBytes =
      fs !== null && folders.includes(type) ? fs.freeBytes : Number.isNaN(told) ? unknown(`pool ${name} does not tell`) : told;
    return [{ pool: { name, freeBytes, storageId }, place: { name, path, storageId } }];
  });
}

const folders = ['dir', 'fs', 'netfs'];

interface FileSystem {
  readonly type: string;
  readonly freeBytes: number;
}

function fileSystem(line: string): FileSystem | null {
  const [, type, blocks, size] = /^(.+) (\d+) (\d+)$/.exec(line) ?? [];
  return type === undefined ? null : { type, freeBytes: Number(blocks) * Number(size) };
}

/** As `stat -f` calls file systems that no two hosts can mount at once. */
const local = ['ext2/ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'tmpfs', 'overlayfs', 'f2fs', 'bcachefs', 'jfs', 'reiserfs'];

/** Sharing is proved by reading, not by a type or a path: what can be shared is unknown as long as nothing proves it. */
function storageOf(poolType: string, fsType: string | null): Maybe<string | null> {
  if (!folders.includes(poolType)) return unknown(`a pool of type ${poolType}: whether other hosts see it was not read`);
  if (fsType === null) return unknown('its file system could not be read');
  return local.includes(fsType) ? null : unknown(`on ${fsType}: whether other hosts see it was not read`);
}

/** The pool that a path lies in: the longest fitting one. A folder outside of all pools stands for itself. */
export function poolOf(path: string, pools: readonly PoolPlace[]): PoolPlace {
  const fitting = pools.filter((pool) => pool.path !== null && path.startsWith(`${pool.path}/`));
  const [longest] = [...fitting].sort((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0));
  const folder = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  return longest ?? { name: folder, path: folder, storageId: unknown(`${folder} is no storage pool`) };
}

/** libvirt's and QEMU's versions, as `virsh version` tells them. */
export function versionsOf(reading: Reading): { readonly libvirt: string | null; readonly qemu: string | null } {
  const text = reading.get('version') ?? '';
  return {
    libvirt: /^Using library: libvirt (\S+)$/m.exec(text)?.[1] ?? null,
    qemu: /^Running hypervisor: QEMU (\S+)$/m.exec(text)?.[1] ?? null,
  };
}

export const clockOf = (reading: Reading): number | null => {
  const value = Number(reading.get('time') ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
};
