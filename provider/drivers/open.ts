/** From a checked configuration to an open driver. The only thing of the drivers that front doors import; loads just the driver that is needed. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { resolveEmbedded, type ResolvedEmbedded } from '../../schema/embedded.js';
import { resolveLibvirt, type ResolvedLibvirt } from '../../schema/libvirt.js';
import type { ProviderConfig } from '../../schema/generated/types.js';
import { checkDatacenterDocument, settingsOf } from '../../schema/validate.js';
import type { Settings } from '../core/desired.js';
import { PlacementError } from '../core/errors.js';
import type { Driver } from './driver.js';

export interface OpenDatacenter {
  readonly driver: Driver;
  readonly settings: Settings;
}

/** What a configuration leads to, before anything is opened: the CLI's `embedded` verbs and `doctor` need it by itself. */
export interface ResolvedDatacenter {
  readonly platform: ResolvedPlatform;
  readonly settings: Settings;
  /** The datacenter file, absolute; null when the datacenter was given in place. */
  readonly file: string | null;
}

export type ResolvedPlatform =
  /** With the store's folder made absolute. */
  | { readonly name: 'embedded'; readonly embedded: ResolvedEmbedded & { readonly store: string } }
  /** Relative paths in it start at `baseDir`. */
  | { readonly name: 'libvirt'; readonly libvirt: ResolvedLibvirt; readonly baseDir: string };

/** @throws PlacementError `input` with the property path, before anything is touched. */
export async function openDatacenter(config: ProviderConfig, baseDir: string): Promise<OpenDatacenter> {
  const { platform, settings } = await resolveDatacenter(config, baseDir);
  return { driver: await openPlatform(platform, baseDir), settings };
}

async function openPlatform(platform: ResolvedPlatform, baseDir: string): Promise<Driver> {
  switch (platform.name) {
    case 'embedded': {
      const { openEmbedded } = await import('./embedded/index.js');
      return openEmbedded(platform.embedded, { baseDir });
    }
    case 'libvirt': {
      const { openLibvirt } = await import('./libvirt/index.js');
      return openLibvirt(platform.libvirt, { baseDir: platform.baseDir });
    }
  }
}

/** Paths in a file are relative to that file, paths in a stack to the project (`baseDir`). */
export async function resolveDatacenter(config: ProviderConfig, baseDir: string): Promise<ResolvedDatacenter> {
  if (config.datacenterFile !== undefined) return fromFile(resolve(baseDir, config.datacenterFile), config);
  const settings = settingsOf(config);
  if (config.libvirt !== undefined)
    return { platform: { name: 'libvirt', libvirt: resolveLibvirt(config.libvirt), baseDir }, settings, file: null };
  if (config.embedded === undefined)
    throw new PlacementError('input', 'The configuration names no datacenter.', {
      path: 'datacenterFile',
      next: 'set datacenterFile, libvirt or embedded',
    });
  const embedded = resolveEmbedded(config.embedded);
  const store = storeFolder(embedded.store, baseDir, 'embedded');
  return { platform: { name: 'embedded', embedded: { ...embedded, store } }, settings, file: null };
}

async function fromFile(file: string, config: ProviderConfig): Promise<ResolvedDatacenter> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (cause as Error).message;
    throw new PlacementError('input', `The datacenter file ${file} cannot be read: ${why}.`, {
      path: 'datacenterFile',
      cause,
      next: 'put it there, or set datacenterFile and run pulumi up --refresh --run-program (the engine reads with the configuration it has stored)',
    });
  }
  const checked = checkDatacenterDocument(text, file);
  const { config: document, embedded, libvirt } = checked;
  if (document === null) {
    const list = checked.failures.map((failure) => failure.text).join('\n');
    throw new PlacementError('input', `The datacenter file is not usable:\n${list}`, { path: 'datacenterFile' });
  }
  const settings = settingsOf(document, config);
  if (libvirt !== null) return { platform: { name: 'libvirt', libvirt, baseDir: dirname(file) }, settings, file };
  if (embedded === null) throw new PlacementError('internal', `The datacenter file ${file} was accepted without a datacenter.`);
  const store = storeFolder(embedded.store, dirname(file), basename(file, extname(file)));
  return { platform: { name: 'embedded', embedded: { ...embedded, store } }, settings, file };
}

function storeFolder(declared: string | null, baseDir: string, name: string): string {
  if (declared === null) return join(baseDir, '.vmplacement', name);
  return isAbsolute(declared) ? declared : join(baseDir, declared);
}
