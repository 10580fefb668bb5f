/** A datacenter that stands still but for what moves do, and moves carried out on it as an `up` would. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { checkPlacement } from '../../../schema/validate.js';
import { applyPlacement, openSession } from '../../../provider/core/placement.js';
import type { PlacementState } from '../../../provider/core/state.js';
import { openDatacenter } from '../../../provider/drivers/open.js';
import type { World } from './io.js';

export const datacenterYaml = `embedded:
  clock: manual
  clusters:
    a:
      hosts:
        a1: {cpu: {models: [qemu64, Skylake-Server], features: [avx512f]}}
        a2: {cpu: {models: [qemu64, Skylake-Server], features: [avx512f]}}
    b:
      hosts:
        b1: {}
        b2: {state: maintenance}
  links:
    - {between: [a, b], direct: 'no'}
  vms:
    web-01: {host: a1, consoles: [vnc]}
    db-01: {host: a1, power: 'off'}
    erp-01: {host: a2, cpu: {model: Skylake-Server, features: [avx512f]}}
    app-01: {host: a2}
`;

export const stackYaml = (resources: Readonly<Record<string, object>>, more = ''): string =>
  `name: shop\nruntime: yaml\nconfig:\n  vmplacement:datacenterFile: {value: datacenter.yaml}\n${more}resources:\n${Object.entries(
    resources,
  )
    .map(([name, properties]) => `  ${name}:\n    type: vmplacement:Placement\n    properties: ${JSON.stringify(properties)}\n`)
    .join('')}`;

export const usualStack = stackYaml({
  web: { vm: 'web-01', host: 'a1' },
  db: { vm: 'db-01', host: 'a1' },
  erp: { vm: 'erp-01', host: 'a2' },
});

/** What \`pulumi up\` does for one placement of stack dev of project shop. */
export async function up(world: World, name: string, inputs: Record<string, unknown>): Promise<PlacementState> {
  const { driver, settings } = await openDatacenter({ datacenterFile: 'datacenter.yaml' }, world.directory);
  try {
    const session = openSession(driver, settings, { stack: 'organization/shop/dev', holder: 'up-1@ci', newId: () => randomUUID() });
    const { desired, failures } = checkPlacement(inputs, { isUnknown: () => false });
    if (desired === null) throw new Error(JSON.stringify(failures));
    const urn = `urn:pulumi:dev::shop::vmplacement:index:Placement::${name}`;
    const run = { signal: new AbortController().signal, emit: () => undefined, log: () => undefined, timeoutMs: null };
    return await applyPlacement(session, urn, desired, null, run);
  } finally {
    await driver.close();
  }
}

/** Without what differs from run to run: times, folders, ages. */
export const steady = (world: World, text: string): string =>
  text.replaceAll(join(world.directory, ''), '<folder>').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
