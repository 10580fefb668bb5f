/** Programs as users write them, on the real engine, through both doors. */
import { describe, expect, test } from 'vitest';
import { done, stack, type Door, type Program, type Stack } from './harness.js';

const doors: readonly Door[] = ['Placement', 'DynamicPlacement'];

/** A cluster of many VMs, on which a loop in a program works. */
function fleetOf(count: number): object {
  const hosts = {
    cpu: { models: ['qemu64', 'Skylake-Server'], features: ['avx2', 'avx512f'] },
    memory: '512GiB',
    pools: { default: { capacity: '10TiB' } },
  };
  return {
    embedded: {
      clock: 'manual',
      clusters: { a: { hosts: { a1: hosts, a2: hosts } }, b: { hosts: { b1: hosts } } },
      links: [{ between: ['a', 'b'] }],
      vms: Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `vm-${String(index).padStart(2, '0')}`,
          { host: 'a1', memory: '1GiB', disks: [{ name: 'vda', size: '2GiB' }] },
        ]),
      ),
    },
  };
}

/** 50 placements in a loop, each option of a resource among them, outputs passed on, a component, and a resource of the user's own. */
const many = (moved: string, more = ''): Program => ({
  placements: {},
  code: `
  const config = new pulumi.Config();
  const target = config.get('target') ?? ${JSON.stringify(moved)};
  class Tier extends pulumi.ComponentResource {
    constructor(name, indices, options) {
      super('test:index:Tier', name, {}, options);
      let last;
      for (const index of indices) {
        const vm = 'vm-' + String(index).padStart(2, '0');
        placements[vm] = new Placement(vm, { vm, host: index % 5 === 0 ? target : 'a1' }, {
          parent: this,
          ...(index % 10 === 3 ? { ignoreChanges: ['host'] } : {}),
          ...(index % 10 === 4 ? { protect: true } : {}),
          ...(index % 10 === 6 && last ? { dependsOn: [last] } : {}),
          ...(index % 10 === 7 ? { aliases: [{ name: vm + '-old' }] } : {}),
        });
        last = placements[vm];
      }
      this.registerOutputs({ hosts: pulumi.all(indices.map((index) => placements['vm-' + String(index).padStart(2, '0')].host)) });
    }
  }
  const all = Array.from({ length: 49 }, (_, index) => index);
  new Tier('even', all.filter((index) => index % 2 === 0));
  new Tier('odd', all.filter((index) => index % 2 === 1));
  // Where another one is: not known before that one has moved.
  const follower = new Placement('follower', { vm: 'vm-49', host: placements['vm-00'].host, annotations: { 'vmplacement/shutdown': pulumi.secret('hold') } });
  const own = new pulumi.dynamic.Resource({ create: async (inputs) => ({ id: 'own', outs: inputs }), update: async (id, olds, news) => ({ outs: news }) }, 'own', { where: follower.host, phase: placements['vm-01'].phase });
  ${more}
  return { where: own.where, phases: pulumi.all(Object.values(placements).map(({ phase }) => phase)).apply((all) => [...new Set(all)]) };
`,
});

const withDoor = (program: Program, datacenter: object, door: Door): Promise<Stack> => stack(program, datacenter, undefined, door);

const hostsOf = async (fleet: Stack): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await fleet.resources())
      .filter(({ type }) => /Placement$/.test(type))
      .map(({ outputs }) => [outputs['vm'] as string, outputs['host']]),
  );

describe.each(doors)('50 placements of %s in a program that nobody tuned', (door) => {
  test('preview, up, move, and go again as with any provider', async () => {
    const fleet = await withDoor(many('a1'), fleetOf(50), door);
    const preview = await done(fleet.pulumi('preview'));
    expect(preview.text).toMatch(/\+ 5[0-9] to create/);
    await done(fleet.pulumi('up'));
    const before = await hostsOf(fleet);
    expect(Object.keys(before)).toHaveLength(50);
    expect(new Set(Object.values(before))).toEqual(new Set(['a1']));
    await done(fleet.pulumi('preview', '--expect-no-changes'));

    await fleet.write(many('a2'));
    const moving = await done(fleet.pulumi('preview'));
    expect(moving.text).toMatch(/~ 1[0-2] to update/);
    await done(fleet.pulumi('up'));
    const after = await hostsOf(fleet);
    // Every fifth moves, and what follows it.
    const moved = Object.keys(after).filter((vm) => after[vm] === 'a2');
    expect(moved.sort()).toEqual([
      ...[0, 5, 10, 15, 20, 25, 30, 35, 40, 45].map((index) => `vm-${String(index).padStart(2, '0')}`),
      'vm-49',
    ]);
    await done(fleet.pulumi('preview', '--expect-no-changes'));
    expect(await fleet.exported()).not.toContain('"hold"');

    const kept = await fleet.pulumi('destroy', '--skip-preview');
    expect(kept.code, kept.text).not.toBe(0);
    expect(kept.text).toContain('protect');
  });

  test('a renamed resource with an alias is the same one, and one that depends on it waits', async () => {
    const program = (name: string, aliases: string): Program => ({
      placements: {},
      code: `
  const first = new Placement(${JSON.stringify(name)}, { vm: 'vm-00', host: 'a1' }, ${aliases});
  new Placement('second', { vm: 'vm-01', hosts: [first.host, 'b1'] }, { dependsOn: first });`,
    });
    const fleet = await withDoor(program('first', '{}'), fleetOf(2), door);
    await done(fleet.pulumi('up'));
    await fleet.write(program('renamed', "{ aliases: [{ name: 'first' }] }"));
    const preview = await done(fleet.pulumi('preview'));
    expect(preview.text).not.toMatch(/to create|to delete|replace/);
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('renamed')).outputs).toMatchObject({ vm: 'vm-00', host: 'a1' });
    // The claim follows the name: nobody else owns it.
    await fleet.write({ ...program('renamed', '{}'), code: program('renamed', '{}').code!.replace("host: 'a1'", "host: 'a2'") });
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('renamed')).outputs).toMatchObject({ host: 'a2' });
  });

  test('a secret in the configuration stays one', async () => {
    const fleet = await withDoor({ placements: { web: { vm: 'vm-00', host: 'a1' } }, config: {} }, fleetOf(1), door);
    await done(fleet.pulumi('config', 'set', '--secret', 'vmplacement:datacenterFile', 'datacenter.yaml'));
    await done(fleet.pulumi('up'));
    await fleet.write({ placements: { web: { vm: 'vm-00', host: 'a2' } }, config: {} });
    await done(fleet.pulumi('preview'));
    const up = await done(fleet.pulumi('up'));
    expect(up.text).not.toContain('datacenter.yaml');
    expect(await fleet.exported()).not.toContain('datacenter.yaml');
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  });
});
