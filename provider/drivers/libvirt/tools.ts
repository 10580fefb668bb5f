/** The programs that must be on a host, which methods need each, and the packages that bring it. */
import type { Lack } from '../../core/inventory.js';
import type { Reading } from './reading.js';

interface Tool {
  readonly methods: Lack['methods'];
  readonly debian: string;
  readonly fedora: string;
}

const every = ['hot', 'cold', 'staged'] as const;
const copies = ['cold', 'staged'] as const;

/** Without virsh nothing is read at all. `flock` guards what is written down with a VM, `sha256sum` the block of a source. */
export const tools: Readonly<Record<string, Tool>> = {
  'qemu-img': { methods: copies, debian: 'qemu-utils', fedora: 'qemu-img' },
  'qemu-nbd': { methods: copies, debian: 'qemu-utils', fedora: 'qemu-img' },
  flock: { methods: every, debian: 'util-linux', fedora: 'util-linux-core' },
  stat: { methods: every, debian: 'coreutils', fedora: 'coreutils' },
  sha256sum: { methods: every, debian: 'coreutils', fedora: 'coreutils' },
  timeout: { methods: copies, debian: 'coreutils', fedora: 'coreutils' },
  base64: { methods: copies, debian: 'coreutils', fedora: 'coreutils' },
  awk: { methods: ['hot'], debian: 'mawk', fedora: 'gawk' },
  // Of a log that is not read, when and why the power changed is unknown.
  grep: { methods: [], debian: 'grep', fedora: 'grep' },
};

/** Those that the login does not find. */
export const missingTools = (reading: Reading): readonly string[] =>
  (reading.get('missing') ?? '').split('\n').filter((tool) => tool in tools);

export const packages = (tool: string): string =>
  `install ${tools[tool]?.debian ?? ''} (Debian, Ubuntu) or ${tools[tool]?.fedora ?? ''} (Fedora) there`;

/** @param tls whether hot moves need certificates. */
export function lacksOf(reading: Reading, tls: boolean): readonly Lack[] {
  const missing = missingTools(reading).flatMap((tool) => {
    const { methods = [] } = tools[tool] ?? {};
    return methods.length === 0 ? [] : [{ what: tool, methods, fix: packages(tool) }];
  });
  const certificates = (reading.get('certificates') ?? '').split('\n').filter((path) => path !== '');
  return [
    ...missing,
    ...(reading.get('root') === '' ? [noRoot] : []),
    ...(tls && certificates.length > 0 ? [noCertificates(certificates)] : []),
  ];
}

/** Images belong to root, those too that libvirt makes on a target. */
const noRoot: Lack = {
  what: 'root rights for the login',
  methods: copies,
  fix: 'set ssh.sudo and add the lines of docs/drivers/libvirt.md to sudoers there',
};

const noCertificates = (paths: readonly string[]): Lack => ({
  what: paths.join(', '),
  methods: ['hot'],
  fix: "put QEMU's certificates there (docs/drivers/libvirt.md), or leave tls out: hot moves then travel unencrypted",
});
