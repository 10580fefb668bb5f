/** A datacenter file: the same document as the provider configuration, in YAML, with line and column in every failure. */
import { createRequire } from 'node:module';
import type { Document } from 'yaml';
import type { Settings } from '../../provider/core/desired.js';
import type { ResolvedEmbedded } from '../embedded.js';
import type { ResolvedLibvirt } from '../libvirt.js';
import type { ProviderConfig } from '../generated/types.js';
import { checkDocument, settingsOf, type CheckedDatacenter } from './config.js';
import { plainJson } from './plain-json.js';
import { pulumiPath, slashPath, type Failure, type Issue, type Segments } from './issue.js';

const load = createRequire(import.meta.url);
/** Large, and of no use where the file is JSON: loaded for the first one that is not. */
const yaml = (): typeof import('yaml') => load('yaml') as typeof import('yaml');

export interface DocumentFailure extends Failure {
  readonly line: number;
  readonly column: number;
  /** `file:line:column /path message` */
  readonly text: string;
}

export interface CheckedDocument {
  /** As declared; null when there are failures. */
  readonly config: ProviderConfig | null;
  readonly settings: Settings | null;
  readonly embedded: ResolvedEmbedded | null;
  readonly libvirt: ResolvedLibvirt | null;
  readonly failures: DocumentFailure[];
}

export function checkDatacenterDocument(text: string, fileName: string): CheckedDocument {
  const json = plainJson(text);
  const sound = json === undefined ? null : soundDocument(json as Record<string, unknown>);
  return sound ?? checkYaml(text, fileName);
}

/** Null where something is wrong, which is to be said with its line. */
function soundDocument(document: Record<string, unknown>): CheckedDocument | null {
  const checked = checkDocument(document, () => false);
  return checked.issues.length > 0 || onlyHere(document).length > 0 ? null : accepted(document, checked);
}

const accepted = (config: ProviderConfig, { embedded, libvirt }: CheckedDatacenter): CheckedDocument => ({
  config,
  settings: settingsOf(config),
  embedded,
  libvirt,
  failures: [],
});

function checkYaml(text: string, fileName: string): CheckedDocument {
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const failure = (offset: number, at: Segments, reason: string): DocumentFailure => {
    const { line, col } = lines.linePos(offset);
    return { path: pulumiPath(at), reason, line, column: col, text: `${fileName}:${line}:${col} ${slashPath(at)} ${reason}` };
  };
  const broken = [...document.errors, ...document.warnings].map((error) => failure(error.pos[0], [], firstLine(error.message)));
  if (broken.length > 0) return { config: null, settings: null, embedded: null, libvirt: null, failures: broken };

  const value = document.toJS() as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const reason = `must be an object with \`embedded\` or \`libvirt\`, not ${value === null ? 'empty' : 'something else'}`;
    return { config: null, settings: null, embedded: null, libvirt: null, failures: [failure(0, [], reason)] };
  }
  const checked = checkDocument(value as Record<string, unknown>, () => false);
  const issues = [...checked.issues, ...onlyHere(value as Record<string, unknown>)];
  if (issues.length > 0) {
    const failures = issues.map(({ at, reason }) => failure(offsetOf(document, at), at, reason));
    return { config: null, settings: null, embedded: null, libvirt: null, failures };
  }
  return accepted(value, checked);
}

function onlyHere(document: Record<string, unknown>): Issue[] {
  if ('datacenterFile' in document) return [{ at: ['datacenterFile'], reason: 'a datacenter file cannot name another one' }];
  if ('embedded' in document && 'libvirt' in document)
    return [{ at: ['libvirt'], reason: 'cannot stand together with `embedded`: give exactly one of embedded, libvirt' }];
  return 'embedded' in document || 'libvirt' in document
    ? []
    : [{ at: ['embedded'], reason: 'is required: give exactly one of embedded, libvirt' }];
}

/** Where the value stands, for a property that is wrong by itself its name; for one that is missing, what it is missing in. */
function offsetOf(document: Document, at: Segments): number {
  const { isMap, isNode, isScalar } = yaml();
  for (let length = at.length; length > 0; length -= 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(at.slice(0, length - 1), true);
    const key = at[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key: own }) => (isScalar(own) ? String(own.value) : own) === key);
      const node = pair !== undefined && isNode(pair.value) && !isMap(pair.value) ? pair.value : pair?.key;
      if (isNode(node) && node.range) return node.range[0];
    }
    const node: unknown = document.getIn(at.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

const firstLine = (message: string): string => message.split('\n')[0] ?? message;
