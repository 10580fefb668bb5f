/** Provider configuration, given in place or by a datacenter file. */
import type { Settings } from '../../provider/core/desired.js';
import { PlacementError } from '../../provider/core/errors.js';
import { exactDuration, parseDuration, parseSize } from '../../provider/core/units.js';
import { resolveEmbedded, type ResolvedEmbedded } from '../embedded.js';
import { resolveLibvirt, type ResolvedLibvirt } from '../libvirt.js';
import { jsonSchema } from '../generated/json-schema.js';
import type { Concurrency, EmbeddedDatacenter, LeaseTimes, LibvirtDatacenter, ProviderConfig } from '../generated/types.js';
import { coerce } from './coerce.js';
import { checkEmbedded } from './embedded-rules.js';
import { fill } from './fill.js';
import { checkLibvirt } from './libvirt-rules.js';
import { pulumiPath, toFailure, type Failure, type Issue } from './issue.js';
import { withoutInternals, withoutNulls } from './placement.js';
import { checkStructure, findUnknowns, type IsUnknown } from './structure.js';

export interface CheckedConfig {
  /** As declared, with JSON texts parsed; null when there are failures or a value is not known yet. */
  readonly config: ProviderConfig | null;
  /** With defaults. null also with `datacenterFile`: the file has settings too, see `settingsOf(file.config, config)`. */
  readonly settings: Settings | null;
  /** The datacenter, where it is given in place. */
  readonly embedded: ResolvedEmbedded | null;
  readonly libvirt: ResolvedLibvirt | null;
  readonly failures: Failure[];
}

/** As declared in a stack: `vmplacement:NAME`. */
export const configNames: readonly string[] = Object.keys((jsonSchema.$defs['ProviderConfig'] as { properties: object }).properties);

export function checkConfig(raw: Record<string, unknown>, options: { readonly isUnknown: IsUnknown }): CheckedConfig {
  const { version: _version, pluginDownloadURL: _url, ...own } = withoutInternals(withoutNulls(raw));
  const { value, issues: notJson } = coerce('ProviderConfig', own, options.isUnknown);
  const declared = value as Record<string, unknown>;
  const checked = checkDocument(declared, options.isUnknown);
  const issues = [
    ...notJson,
    ...checked.issues.filter(({ at }) => !notJson.some((other) => other.at.join() === at.join())),
    ...oneSource(declared, options.isUnknown),
  ];
  const decidable = issues.length === 0 && findUnknowns(declared, options.isUnknown).length === 0;
  const config = decidable ? (declared as ProviderConfig) : null;
  return {
    config,
    settings: config && !('datacenterFile' in config) ? settingsOf(config) : null,
    embedded: config && checked.embedded,
    libvirt: config && checked.libvirt,
    failures: issues.map(toFailure),
  };
}

/** The rules of the document that configuration and file share. */
export function checkDocument(document: Record<string, unknown>, isUnknown: IsUnknown): CheckedDatacenter {
  const structure = checkStructure('ProviderConfig', document, isUnknown);
  const unknowns = findUnknowns(document, isUnknown);
  const sound = (key: string): boolean => key in document && ![...structure.map(({ at }) => at), ...unknowns].some((at) => at[0] === key);
  const issues = [...structure, ...(sound('lease') ? ownLeaseProblems(document['lease'] as LeaseTimes, 'datacenterFile' in document) : [])];
  const embedded = sound('embedded') ? resolveEmbedded(document['embedded'] as EmbeddedDatacenter) : null;
  const libvirt = sound('libvirt') ? resolveLibvirt(document['libvirt'] as LibvirtDatacenter) : null;
  const under = (key: string, found: readonly Issue[]): Issue[] => found.map(({ at, reason }) => ({ at: [key, ...at], reason }));
  const broken = [
    ...(embedded === null ? [] : under('embedded', checkEmbedded(embedded))),
    ...(libvirt === null ? [] : under('libvirt', checkLibvirt(libvirt))),
  ];
  if (broken.length > 0) return { embedded: null, libvirt: null, issues: [...issues, ...broken] };
  return { embedded, libvirt, issues };
}

export interface CheckedDatacenter {
  readonly embedded: ResolvedEmbedded | null;
  readonly libvirt: ResolvedLibvirt | null;
  readonly issues: Issue[];
}

/**
 * Settings with defaults; of two layers (file, then stack) the later one wins where it says something.
 * @throws PlacementError `input` when the layers are each right but do not fit together.
 */
export function settingsOf(...layers: readonly ProviderConfig[]): Settings {
  const lease = fill('LeaseTimes', Object.assign({}, ...layers.map((layer) => layer.lease)) as LeaseTimes);
  const [problem] = leaseProblems(lease);
  if (problem !== undefined) {
    throw new PlacementError('input', `${pulumiPath(problem.at)} ${problem.reason} (file and stack taken together)`, {
      path: pulumiPath(problem.at),
    });
  }
  const merged = fill('ProviderConfig', Object.assign({}, ...layers) as ProviderConfig);
  const limits = Object.assign({}, ...layers.map((layer) => layer.concurrency)) as Concurrency;
  return {
    memoryReserveBytes: parseSize(merged.memoryReserve),
    leaseRenewMs: parseDuration(lease.renew),
    leaseExpireMs: parseDuration(lease.expire),
    concurrency: fill('Concurrency', limits),
    alwaysRefresh: merged.alwaysRefresh,
  };
}

/** Each platform is configured by one of these; a file holds one of the others. */
const sources = ['embedded', 'libvirt', 'datacenterFile'] as const;

function oneSource(declared: Record<string, unknown>, isUnknown: IsUnknown): Issue[] {
  const given = sources.filter((source) => source in declared);
  if (given.length === 0) return [{ at: ['datacenterFile'], reason: `is required: give exactly one of ${sources.join(', ')}` }];
  const [first, ...others] = given.filter((source) => !isUnknown(declared[source]));
  const reason = `cannot stand together with \`${first ?? ''}\`: give exactly one of ${sources.join(', ')}`;
  return others.map((source) => ({ at: [source], reason }));
}

/** Beside a file, what is not said here is not the default yet: the file may say it. */
function ownLeaseProblems(declared: LeaseTimes, besideFile: boolean): Issue[] {
  return besideFile && (declared.renew === undefined || declared.expire === undefined) ? [] : leaseProblems(declared);
}

function leaseProblems(declared: LeaseTimes): Issue[] {
  const lease = fill('LeaseTimes', declared);
  const renew = parseDuration(lease.renew);
  if (renew === 0) return [{ at: ['lease', 'renew'], reason: 'must be longer than 0s' }];
  if (parseDuration(lease.expire) >= 2 * renew) return [];
  const reason = `must be at least twice \`lease.renew\` (${lease.renew}): ${exactDuration(2 * renew)} or more, not ${lease.expire}`;
  return [{ at: ['lease', 'expire'], reason }];
}
