/** Takes a definition away, with its firmware variables unless told otherwise, and all that libvirt keeps of it; its disks stay. */
import { dirname } from 'node:path';
import type { Element } from '@xmldom/xmldom';
import { isKnown, type CopyRef } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { defineFed, definitionAt, locked, whereUp } from './domain-state.js';
import { ask, orFail } from './host-shell.js';
import { quote } from './quote.js';
import { refused } from './refused.js';
import type { DomainReading } from './survey-domain.js';
import type { PoolPlace } from './survey-host.js';
import { attribute, escaped, first, parseXml, textOf } from './xml.js';

/**
 * Path of the firmware variables; null: it has none. While libvirt chooses the firmware itself (`firmware='efi'`), the definition of a
 * domain that is off does not name them.
 */
export function nvramOf(domain: Element): string | null {
  const named = textOf(domain, 'os', 'nvram') || attribute(first(domain, 'os', 'nvram', 'source'), 'file');
  if (named !== null) return named;
  return isImplied(domain) ? `${ownFolder}/${textOf(domain, 'name') ?? ''}_VARS.fd` : null;
}

/** Where libvirt puts the variables that it makes itself. */
const ownFolder = '/var/lib/libvirt/qemu/nvram';

/** The path of variables that another host may have too: they do not go with a definition. */
export function nvramThatStays({ details: { stateFiles } }: DomainReading, pools: readonly PoolPlace[]): string | null {
  const file = isKnown(stateFiles) ? stateFiles.find(({ kind }) => kind === 'nvram') : undefined;
  return file === undefined || isOnlyHere(file.path, pools) ? null : file.path;
}

function isOnlyHere(path: string, pools: readonly PoolPlace[]): boolean {
  const pool = pools.find(({ path: folder }) => folder === dirname(path));
  return pool === undefined ? dirname(path) === ownFolder : pool.storageId === null;
}

const isImplied = (domain: Element): boolean =>
  attribute(first(domain, 'os'), 'firmware') === 'efi' && first(domain, 'os', 'nvram') === undefined;

/** One that is not there is done. One that runs is refused: it would go on without a definition, on images that are removed next. */
export async function undefine(connection: Connection, copy: CopyRef, nvram: 'remove' | 'keep' = 'remove'): Promise<void> {
  const domain = quote(copy.platformId);
  const isGone = (stderr: string): boolean => /Domain not found|failed to get domain/.test(stderr);
  const read = await definitionAt(connection, copy.platformId);
  if (read.code !== 0 && isGone(read.stderr)) return;
  if (read.code !== 0) throw refused(copy, read);
  const xml = parseXml(read.stdout);
  // libvirt removes only variables that are named.
  const named = nvram === 'remove' && isImplied(xml) ? withNamedNvram(read.stdout, nvramOf(xml) ?? '') : '';
  const text = `
${ask(`domstate ${domain}`)}
${whereUp(`echo 'it runs'; exit 1`)}
${named === '' ? '' : defineFed}
${ask(`undefine ${domain} ${nvram === 'remove' ? '--nvram' : '--keep-nvram'} --snapshots-metadata --checkpoints-metadata`)}
${orFail}`;
  const done = await connection.shell.run(locked(connection, text), { stdin: named });
  if (done.code !== 0 && !isGone(done.stderr)) throw refused(copy, done);
}

const withNamedNvram = (xml: string, path: string): string =>
  xml
    .replace(/<os firmware='efi'>/, '<os>')
    .replace(/<firmware>[^]*?<\/firmware>/, '')
    .replace(/<loader[^]*?(\/>|<\/loader>)/, '')
    .replace(
      /(<os>\s*<type[^]*?<\/type>)/,
      (type) => `${type}<loader readonly='yes' type='pflash'>/dev/null</loader><nvram>${escaped(path)}</nvram>`,
    );
