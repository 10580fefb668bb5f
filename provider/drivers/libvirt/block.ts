/**
 * What keeps the source of a move from being started: an ACPI table whose file is not there. libvirt looks for it before it starts
 * anything, and says its path, which tells where the VM is. No device and no address of the guest changes, and the block stands in the
 * persistent definition: it outlives a reboot of the host, and autostart does not pass it.
 */
import type { Element } from '@xmldom/xmldom';
import { textOf } from './xml.js';

const head = '/vmplacement: ';

/** Nothing in it needs escaping; a slash would be a folder, which reads the same to libvirt. */
export const blockText = (moveId: string, place: string | null): string =>
  `${head}this VM was moved${place === null ? '' : ` to ${plain(place)}`} (move ${plain(moveId)}); its source stays off`;

/** Of a copy that is not whole yet. */
export const incomingText = (moveId: string): string =>
  `${head}this VM is still being copied here (move ${plain(moveId)}); its source stays the VM`;

const plain = (text: string): string => text.replaceAll(/[^\w@./:-]/g, '_');

/** The move that blocks this domain; null: none does. */
export function blockedBy(inactive: Element): string | null {
  const text = textOf(inactive, 'os', 'acpi', 'table');
  return text?.startsWith(head) === true ? (/\(move (.*)\); its source stays /.exec(text)?.[1] ?? 'unknown') : null;
}

const line = (text: string): string => `<acpi><table type='slic'>${text}</table></acpi>`;
const ours = new RegExp(`\\s*<acpi>\\s*<table type='slic'>${head}[^<]*</table>\\s*</acpi>`);

/** The definition as `virsh dumpxml` writes it, with the block; null: its place is taken by a table of the guest's own. */
export function withBlock(xml: string, text: string): string | null {
  const end = xml.search(/\s*<\/os>/);
  if (end < 0 || /<acpi>\s*<table/.test(xml.slice(xml.indexOf('<os'), end))) return null;
  return `${xml.slice(0, end)}${line(text)}${xml.slice(end)}`;
}

export const withoutBlock = (xml: string): string => xml.replace(ours, '');
