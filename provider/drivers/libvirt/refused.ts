/** What libvirt or a tool of QEMU said when it did not do what it was asked. */
import { PlacementError } from '../../core/errors.js';
import { placeText, type CopyRef, type Place } from '../../core/inventory.js';
import type { Executed } from './connection.js';

export function refused(at: Place | CopyRef, { code, stderr }: Executed): PlacementError {
  const said = inOneLine(stderr);
  const domain = 'platformId' in at ? `domstate ${at.platformId} --reason` : 'list --all';
  return new PlacementError('platform', `${placeText(at)}: ${said === '' ? `the command ended with ${code}` : said}.`, {
    next: `virsh -c qemu:///system ${domain}, on that host`,
  });
}

export const inOneLine = (stderr: string): string =>
  stderr
    .split('\n')
    .map((line) => line.replace(/^(error|qemu-img): /, '').trim())
    .filter((line) => line !== '')
    .join(': ');
