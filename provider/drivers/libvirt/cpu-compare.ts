/** Whether a CPU that a VM runs with can be given to it on another host: the hypervisor there is asked, with the CPU's own definition. */
import { XMLSerializer, type Element } from '@xmldom/xmldom';
import type { Answer } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Connection, Executed } from './connection.js';
import { virsh } from './domain-state.js';
import { command, option, script } from './quote.js';
import { inOneLine } from './refused.js';
import { all, attribute, first, parseXml } from './xml.js';

/**
 * Of a domain that runs: libvirt has put there what its guest really sees, and begins it with that on the target of a migration. null where
 * there is nothing to compare: `host-passthrough` is always fine for it. How many CPUs there are makes no other kind of CPU.
 */
export function cpuDefinitionOf(domain: Element): string | null {
  const cpu = first(domain, 'cpu');
  if (cpu === undefined || attribute(cpu, 'mode') !== 'custom') return null;
  const kind = cpu.cloneNode(true) as Element;
  for (const part of ['topology', 'numa'].flatMap((name) => all(kind, name))) kind.removeChild(part);
  const text = new XMLSerializer().serializeToString(kind).replaceAll(/>\s+</g, '><');
  return `<domain type="${attribute(domain, 'type') ?? 'kvm'}">${text}</domain>`;
}

/** @param definition as `cpuDefinitionOf` gives it. */
export async function compareCpu(on: Connection, definition: string): Promise<Answer> {
  const type = attribute(parseXml(definition), 'type') ?? 'kvm';
  const line = `export LC_ALL=C
cat | ${virsh(on)} hypervisor-cpu-compare /dev/stdin ${command(option('--virttype', type))} --error`;
  try {
    return cpuAnswer(await on.exec(script(line), { repeatable: true, stdin: definition }));
  } catch (error) {
    if (!PlacementError.isInstance(error)) throw error;
    return { answer: 'unknown', because: error.message, fix: '' };
  }
}

export function cpuAnswer({ code, stderr }: Executed): Answer {
  if (code === 0) return { answer: 'yes', because: '', fix: '' };
  const fix = 'Choose another host, or move it while it is off (staged to another cluster, or cold).';
  const lacks = /does not provide required features: (.+)$/m.exec(stderr)?.[1];
  if (lacks !== undefined) return { answer: 'no', because: `it lacks ${lacks}`, fix };
  const model = /Unknown CPU model (.+)$/m.exec(stderr)?.[1];
  if (model !== undefined) return { answer: 'no', because: `its libvirt does not know the CPU model ${model}`, fix };
  const said = inOneLine(stderr);
  if (stderr.includes('incompatible')) return { answer: 'no', because: said, fix };
  return { answer: 'unknown', because: said, fix: '' };
}
