import { afterEach, expect, test } from 'vitest';
import { checkDisk, clearLab, lab, reaches, running, virsh } from './kit.js';

afterEach(clearLab);

test('two clusters of two hosts: each with its own libvirt, its pool and its network', () => {
  const hosts = lab('status').split('\n');
  expect(hosts.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    'host-a cluster=1',
    'host-b cluster=1',
    'host-c cluster=2',
    'host-d cluster=2',
  ]);
  const ids = ['host-a', 'host-b', 'host-c', 'host-d'].map((host) => /<uuid>(.*)<\/uuid>/.exec(virsh(host, 'capabilities'))?.[1]);
  expect(new Set(ids).size).toBe(4);
  for (const host of ['host-a', 'host-d']) expect(virsh(host, 'pool-list', '--name').trim()).toBe('default');
  expect(lab('ssh', 'host-c', 'hostname')).toBe('host-c');
});

test('hosts of one cluster reach each other; those of two clusters only over a route, which can be switched', () => {
  expect(reaches('host-a', 'host-b', 22)).toBe(true);
  expect(reaches('host-a', 'host-c', 22)).toBe(false);
  lab('route', 'on');
  try {
    expect(reaches('host-a', 'host-c', 22)).toBe(true);
  } finally {
    lab('route', 'off');
  }
  expect(reaches('host-a', 'host-c', 22)).toBe(false);
});

test('a guest writes records that can be checked, and a lost one is found', () => {
  lab('vm', 'host-a', 'web-01');
  expect(running('host-a')).toEqual(['web-01']);
  virsh('host-a', 'shutdown', 'web-01', '--mode', 'acpi');
  lab(
    'exec',
    'host-a',
    'bash',
    '-c',
    'for i in $(seq 150); do virsh -q domstate web-01 | grep -q "shut off" && exit; sleep 0.2; done; exit 1',
  );
  expect(checkDisk('host-a', 'web-01')).toContain('OK');
  const disk = lab('disk', 'host-a', 'web-01.qcow2');
  expect(() => lab('check-disk', disk, '--acked', '999999')).toThrow(/LOST/);
});

test('a host that loses power is gone with its guests, and comes back with their definitions', () => {
  lab('vm', 'host-b', 'db-01');
  lab('crash', 'host-b');
  expect(reaches('host-a', 'host-b', 22)).toBe(false);
  lab('boot', 'host-b');
  expect(reaches('host-a', 'host-b', 22)).toBe(true);
  expect(running('host-b')).toEqual([]);
  expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('db-01');
});
