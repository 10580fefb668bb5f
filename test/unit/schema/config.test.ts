import { describe, expect, it } from 'vitest';
import { checkConfig, settingsOf } from '../../../schema/validate.js';

const later = { unknown: true };
const isUnknown = (value: unknown): boolean => value === later;
const check = (raw: Record<string, unknown>) => checkConfig(raw, { isUnknown });
const datacenter = { clusters: { a: { hosts: { a1: {} } } }, vms: { web: { host: 'a1' } } };
const concurrency = { perSourceHost: 2, perTargetHost: 2, perLink: 5, perDatacenter: 20 };
const defaults = { memoryReserveBytes: 512 * 1024 ** 2, leaseRenewMs: 15_000, leaseExpireMs: 60_000, concurrency, alwaysRefresh: false };

describe('a provider configuration', () => {
  it('takes a datacenter in place and resolves it', () => {
    const { config, settings, embedded, failures } = check({ embedded: datacenter });
    expect({ config, settings, failures }).toEqual({ config: { embedded: datacenter }, settings: defaults, failures: [] });
    expect(embedded?.vms[0]).toMatchObject({ id: 'web', host: 'a1' });
  });
  it('takes a file, which the front door reads', () =>
    expect(check({ datacenterFile: 'dc.yaml' })).toMatchObject({ config: { datacenterFile: 'dc.yaml' }, embedded: null, failures: [] }));

  it('takes objects as JSON texts, and booleans and numbers as texts, as engines deliver them', () => {
    const { config, settings, embedded, failures } = check({
      embedded: JSON.stringify({ ...datacenter, speed: '2.5', vms: { web: { host: 'a1', autostart: 'false' } } }),
      lease: '{"renew":"5s","expire":"20s"}',
      concurrency: '{"perLink":"1"}',
      alwaysRefresh: 'true',
      memoryReserve: '1GiB',
      version: '0.1.0',
      pluginDownloadURL: 'https://example.org',
    });
    expect(failures).toEqual([]);
    expect(settings).toEqual({
      memoryReserveBytes: 1024 ** 3,
      leaseRenewMs: 5000,
      leaseExpireMs: 20_000,
      concurrency: { ...concurrency, perLink: 1 },
      alwaysRefresh: true,
    });
    expect(embedded).toMatchObject({ speed: 2.5, vms: [{ autostart: false }] });
    expect(config).not.toHaveProperty('version');
  });

  it.each([
    ['embedded', { embedded: '{"clusters":' }, /^is neither an object nor a valid JSON text$/],
    ['embedded', { embedded: '5' }, /^must be an object, not the number 5$/],
    ['embedded', { embedded: ['x'] }, /^must be an object, not a list$/],
    ['datacenterFile', { datacenterFile: 5 }, /^must be a string/],
    ['datacenterFile', { datacenterFile: '' }, /^must not be empty$/],
    ['datacenterFile', {}, /^is required: give exactly one of embedded, libvirt, datacenterFile$/],
    ['datacenterFile', { embedded: datacenter, datacenterFile: 'dc.yaml' }, /^cannot stand together with `embedded`/],
    ['memoryReserve', { datacenterFile: 'x', memoryReserve: '512' }, /a size such as/],
    ['lease', { datacenterFile: 'x', lease: 'soon' }, /^is neither an object nor a valid JSON text/],
    ['lease.renew', { datacenterFile: 'x', lease: { renew: 15 } }, /^must be a string/],
    ['lease.renew', { embedded: datacenter, lease: { renew: '0s' } }, /^must be longer than 0s$/],
    [
      'lease.expire',
      { embedded: datacenter, lease: { renew: '31s' } },
      /^must be at least twice `lease.renew` \(31s\): 1m2s or more, not 60s$/,
    ],
    ['lease.expire', { datacenterFile: 'x', lease: { renew: '15s', expire: '29s' } }, /^must be at least twice/],
    ['concurrency.perSourceHost', { embedded: datacenter, concurrency: { perSourceHost: 0 } }, /^must be at least 1$/],
    ['concurrency.perTargetHost', { datacenterFile: 'x', concurrency: { perTargetHost: 1.5 } }, /integer|whole/],
    ['concurrency.perLink', { datacenterFile: 'x', concurrency: { perLink: 'many' } }, /^must be/],
    ['concurrency.perHost', { datacenterFile: 'x', concurrency: { perHost: 1 } }, /^is not a known property/],
    ['alwaysRefresh', { datacenterFile: 'x', alwaysRefresh: 'yes' }, /^must be true or false, not a text$/],
    ['datacenter', { datacenterFile: 'x', datacenter: 'y' }, /^is not a known property/],
    ['embedded.clusters.a.hosts.a1.memory', { embedded: { clusters: { a: { hosts: { a1: { memory: '64G' } } } } } }, /a size such as/],
    [
      'embedded.vms["web-01"].host',
      { embedded: { ...datacenter, vms: { 'web-01': { host: 'a2' } } } },
      /^no such host: a2 \(did you mean "a1"\?\)$/,
    ],
  ])('refuses at %s: %j', (path, raw, reason) => {
    const { config, settings, embedded, failures } = check(raw);
    expect(failures).toEqual([{ path, reason: expect.stringMatching(reason) }]);
    expect([config, settings, embedded]).toEqual([null, null, null]);
  });

  it.each([
    [{ embedded: later }],
    [{ datacenterFile: later }],
    [{ datacenterFile: 'x', lease: { renew: later } }],
    [{ embedded: datacenter, datacenterFile: later }],
    [{ embedded: { clusters: { a: { hosts: { a1: { memory: later } } } } } }],
  ])('has no failure for what is not known yet (%#)', (raw) =>
    expect(check(raw)).toMatchObject({ config: null, settings: null, failures: [] }),
  );
});

describe('settings', () => {
  it('of the stack win over those of the file, one by one', () => {
    const file = { memoryReserve: '1GiB', lease: { renew: '5s' }, concurrency: { perSourceHost: 3, perLink: 7 }, alwaysRefresh: true };
    const stack = { datacenterFile: 'dc.yaml', memoryReserve: '2GiB', lease: { expire: '30s' }, concurrency: { perSourceHost: 4 } };
    expect(settingsOf(file, stack)).toEqual({
      memoryReserveBytes: 2 * 1024 ** 3,
      leaseRenewMs: 5000,
      leaseExpireMs: 30_000,
      concurrency: { ...concurrency, perSourceHost: 4, perLink: 7 },
      alwaysRefresh: true,
    });
  });

  it('beside a file need only fit together with those of the file', () => {
    const { config, failures } = check({ datacenterFile: 'dc.yaml', lease: { renew: '40s' } });
    expect(failures).toEqual([]);
    expect(settingsOf({ lease: { expire: '80s' } }, config!)).toMatchObject({ leaseRenewMs: 40_000, leaseExpireMs: 80_000 });
    expect(() => settingsOf({ lease: { renew: '5s' } }, config!)).toThrow(/^lease.expire must be at least twice `lease.renew` \(40s\)/);
  });
});
