/** A host of the inventory from what it said. */
import type { Element } from '@xmldom/xmldom';
import { unknown, type Firmware, type HostFacts, type Maybe, type Pool } from '../../core/inventory.js';
import { lastingParts, virtTypes, type Reading } from './reading.js';
import { storageIdOf, type Folder } from './storage.js';
import { lacksOf } from './tools.js';
import { all, attribute, first, parseXml, textOf } from './xml.js';

export interface PoolPlace {
  readonly name: string;
  /** Folder, volume group or the like; null for pools without one. */
  readonly path: string | null;
  readonly storageId: Maybe<string | null>;
}

/** @param tls whether hot moves need certificates. */
export function hostFacts(reading: Reading, pools: readonly Pool[], tls = false): HostFacts {
  const lacks = lacksOf(reading, tls);
  return {
    ...lastingFacts(reading),
    memory: memoryOf(reading),
    pools,
    networks: networksOf(reading),
    ...(lacks.length === 0 ? {} : { lacks }),
  };
}

type LastingFacts = Pick<HostFacts, 'cpu' | 'machineTypes' | 'firmware'>;

/** By what they follow from: that stays from one reading to the next, and to parse it takes longer than all else. */
const understood = new Map<string, LastingFacts>();
const mostUnderstood = 100;

function lastingFacts(reading: Reading): LastingFacts {
  const text = lastingParts.map((part) => reading.get(part) ?? '').join('\0');
  const known = understood.get(text);
  if (known !== undefined) return known;
  const facts = { cpu: cpuOf(reading), machineTypes: machineTypesOf(reading), firmware: firmwareOf(reading) };
  if (understood.size >= mostUnderstood) understood.clear();
  understood.set(text, facts);
  return facts;
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

interface ReadPool {
  readonly pool: Pool;
  readonly place: PoolPlace;
  /** As of libvirt's last refresh. */
  readonly totalBytes: number | null;
  /** Its type and its file system, for people. */
  readonly on: string;
}

/** @param folders what all hosts read of the folders of their pools. */
export function poolsOf(reading: Reading, host = '', folders: readonly Folder[] = []): readonly ReadPool[] {
  return poolXmls(reading).map(({ xml, uuid, name, path, type }) => {
    const folder = folderOf(reading, host, path);
    const storageId = isFolders(type)
      ? folder === null
        ? unknown('its file system could not be read')
        : storageIdOf(folder, folders)
      : unknown(`a pool of type ${type}: whether other hosts see it was not read`);
    const told = Number(first(xml, 'available')?.textContent ?? Number.NaN);
    const freeBytes =
      folder !== null && isFolders(type) ? folder.freeBytes : Number.isNaN(told) ? unknown(`pool ${name} does not tell`) : told;
    const files = path === null ? [] : filesOf(reading, uuid, path);
    const total = Number(first(xml, 'capacity')?.textContent ?? Number.NaN);
    return {
      pool: { name, freeBytes, storageId, ...(files.length === 0 ? {} : { files }) },
      place: { name, path, storageId },
      totalBytes: Number.isNaN(total) ? null : total,
      on: folder === null ? type : `${type}, ${folder.fileSystem}`,
    };
  });
}

/** As the folder lists them, and as libvirt does where the login may not. */
function filesOf(reading: Reading, pool: string, path: string): readonly string[] {
  const lines = (key: string): readonly string[] => (reading.get(key) ?? '').split('\n');
  const volumes = lines(`volumes-${pool}`).flatMap((line) => line.split(` ${path}/`)[1]?.trimEnd() ?? []);
  return [...new Set([...lines(`files-${path}`), ...volumes])].filter((name) => name !== '');
}

/** Folders of pools, as this host reads them. */
export const foldersOf = (reading: Reading, host: string): readonly Folder[] =>
  poolXmls(reading).flatMap(({ path, type }) => {
    const folder = isFolders(type) ? folderOf(reading, host, path) : null;
    return folder === null ? [] : [folder];
  });

interface PoolXml {
  readonly xml: Element;
  readonly uuid: string;
  readonly name: string;
  readonly path: string | null;
  readonly type: string;
}

function poolXmls(reading: Reading): readonly PoolXml[] {
  return [...reading].flatMap(([key, text]) => {
    if (!key.startsWith('pool-') || text === '') return [];
    const xml = parseXml(text);
    return [
      {
        xml,
        uuid: key.slice('pool-'.length),
        name: textOf(xml, 'name') ?? '',
        path: textOf(xml, 'target', 'path'),
        type: attribute(xml, 'type') ?? '',
      },
    ];
  });
}

const isFolders = (type: string): boolean => ['dir', 'fs', 'netfs'].includes(type);

function folderOf(reading: Reading, host: string, path: string | null): (Folder & { readonly freeBytes: number }) | null {
  const [, fileSystem, free, size, total] = /^(.+) (\d+) (\d+) (\d+)$/.exec(reading.get(`fs-${path ?? ''}`) ?? '') ?? [];
  if (path === null || fileSystem === undefined) return null;
  const [inode = '', digest] = (reading.get(`folder-${path}`) ?? '').split(/\s+/);
  return {
    host,
    path,
    fileSystem,
    freeBytes: Number(free) * Number(size),
    totalBytes: Number(total) * Number(size),
    inode,
    listing: digest ?? null,
  };
}

/** The pool that a path lies in. A folder outside of all pools stands for itself, also one inside of a pool's: it may be another mount. */
export function poolOf(path: string, pools: readonly PoolPlace[]): PoolPlace {
  const folder = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  const place = { name: folder, path: folder, storageId: unknown(`${folder} is no storage pool`) };
  return pools.find((pool) => pool.path === folder) ?? place;
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
