/** What becomes of the images of a source: they go with it, unless something else needs them. */
import { afterEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { clearLab, define, lab, running, violations, virsh } from './kit.js';
import { flat, isClean } from './moved.js';

afterEach(clearLab);

const folder = '/var/lib/libvirt/images';
const sh = (host: string, line: string): string => lab('exec', host, 'sh', '-ec', line);

async function adopted(): Promise<Stack> {
  const made = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: datacenter() });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

/** A VM that is off, with the definition of web-01 but for this image. */
function another(name: string, image: string): void {
  const xml = virsh('host-a', 'dumpxml', 'web-01', '--inactive');
  const own = xml.replace(/<uuid>.*<\/uuid>/, '').replace(/<mac .*\/>/, '');
  define('host-a', own.replace('<name>web-01', `<name>${name}`).replace(`${folder}/web-01.qcow2`, image));
}

const toHostB = { placements: { web: { vm: 'web-01', host: 'host-b', keepSource: 'no' } } };

test.each([
  ['a VM in the same pool', 'default', `${folder}/web-02.qcow2`, '../images/web-01.qcow2'],
  ['a VM outside of pools, by a link', 'default', '/srv/clones/web-02.qcow2', '/srv/clones/golden.qcow2'],
  ['no VM', 'none', `${folder}/it's a clone.qcow2`, 'web-01.qcow2'],
])('a source whose image others have as their backing file keeps it: %s', async (_what, vm, overlay, below) => {
  lab('vm', 'host-a', 'web-01', '--no-start', '--data', '64');
  const quoted = `"${overlay}"`;
  sh(
    'host-a',
    `mkdir -p /srv/clones; ln -sf ${folder}/web-01.qcow2 /srv/clones/golden.qcow2; qemu-img create -q -f qcow2 -b ${below} -F qcow2 ${quoted}`,
  );
  if (vm !== 'none') another('web-02', overlay);
  const content = (): string => sh('host-a', `qemu-img convert -O raw ${quoted} /run/content; sha256sum < /run/content; rm /run/content`);
  const before = content();
  const fleet = await adopted();
  await fleet.write(toHostB);
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(flat(up.text)).toContain(`disk vda on blue/host-a is a backing file of ${overlay}, so its file stays: ${folder}/web-01.qcow2`);
  expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe(vm === 'none' ? '' : 'web-02');
  expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('web-01');
  expect(content()).toBe(before);
  sh('host-a', 'rm -rf /srv/clones');
});

test.each(['hot', 'cold'])('%s: a clone becomes one image, and what it lay on stays', async (method) => {
  lab('vm', 'host-a', 'web-01', '--no-start', '--data', '64');
  sh('host-a', `cd ${folder}; mv web-01.qcow2 golden.qcow2; qemu-img create -q -f qcow2 -b golden.qcow2 -F qcow2 web-01.qcow2`);
  another('golden', `${folder}/golden.qcow2`);
  virsh('host-a', 'start', 'web-01');
  lab('wait', 'host-a', 'web-01', '^ACK', '90');
  const fleet = await adopted();
  await fleet.write({ placements: { web: { ...toHostB.placements.web, method, allowShutdown: method === 'cold' } } });
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  expect(sh('host-a', `ls ${folder}`)).toBe('golden.qcow2');
  expect(sh('host-b', `qemu-img info -U ${folder}/web-01.qcow2`)).not.toContain('backing');
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
});

test('given a run that was killed when the image was gone and its definition not, then the next one removes the rest', async () => {
  lab('vm', 'host-a', 'web-01', '--no-start');
  const fleet = await adopted();
  await fleet.write({ placements: { web: { ...toHostB.placements.web, keepSource: 'confirm' } } });
  await done(fleet.pulumi('up', '--skip-preview'));
  sh('host-a', `rm ${folder}/web-01.qcow2; virsh -q pool-refresh default`);
  await fleet.write(toHostB);
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(up.text).not.toContain('its file stays');
  isClean('host-a');
  expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('web-01');
});
