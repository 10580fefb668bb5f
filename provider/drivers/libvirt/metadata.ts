/** What this provider keeps with a domain: one element of our own in the domain's metadata, JSON inside. */
import type { Element } from '@xmldom/xmldom';
import type { Vm } from '../../core/inventory.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import { all } from './xml.js';

export const namespace = 'urn:vmplacement:domain:1';

/** Of the element that a person may set by `virsh metadata`: `<annotations shutdown='now'/>`. */
export const byHandNamespace = 'urn:vmplacement:annotations:1';

/** What a person has set there; the persistent and the live definition may differ. */
export function givenByHand(...definitions: readonly (Element | null)[]): readonly string[] {
  const values = definitions.flatMap((domain) =>
    domain === null
      ? []
      : all(domain, 'metadata', 'annotations')
          .filter((one) => one.namespaceURI === byHandNamespace)
          .map((one) => one.getAttribute('shutdown') ?? ''),
  );
  return [...new Set(values)];
}

/** Versioned: a reader that finds a newer `v` does not act. */
export interface DomainState {
  readonly v: 1;
  readonly record?: MigrationRecord;
  readonly claim?: Claim;
  readonly annotation?: Vm['annotation'];
  /** `until` by the clock of the host, ms. */
  readonly lease?: { readonly holder: string; readonly until: number };
  /** Of a copy that a move makes on its target, or keeps of its source. `at` by the clock of the host, ms. */
  readonly label?: { readonly role: 'incoming' | 'kept'; readonly moveId: string; readonly at: number };
  /** With the source: what the move under way has made on its target so far. */
  readonly work?: MoveWork;
}

export interface MoveWork {
  readonly moveId: string;
  /** By the disk's name. */
  readonly disks: Readonly<Record<string, CopiedImage>>;
  /** Path of the firmware variables that are written on the target. */
  readonly nvram?: string;
  /** Hot: its migration was begun. */
  readonly job?: true;
  readonly staged?: StagedWork;
}

/** What a staged move has sent, and what its next pass builds on. Times by the clock of the source's host, ms. */
export interface StagedWork {
  /** The last pass that is whole and durable on the target; 0: none is. */
  readonly n: number;
  /** Of that pass, with the source. */
  readonly checkpoint: string;
  /** When it began. */
  readonly at: number;
  readonly disks: Readonly<Record<string, SentDisk>>;
  readonly kind: 'full' | 'increment';
  readonly distrust: string;
  readonly durationMs: number;
  /** Bytes per second, of the last pass that was long enough to tell. */
  readonly rate: number;
  /** Begun and not whole. */
  readonly pass?: BegunPass;
  /** When this move sent a power-off. */
  readonly poweredOff?: number;
  /** What was sent is not what stands on the target. */
  readonly bad?: string;
  /** The last increment, of a source that is off. */
  readonly last?: LastPass;
}

/** A disk as it was when a pass of it began. */
export interface SentDisk {
  readonly path: string;
  /** All files that it is made of, from the top. */
  readonly chain: readonly string[];
  readonly virtualBytes: number;
  /** Of the image on the target that it was sent to. */
  readonly image: string;
}

export interface BegunPass extends Pick<StagedWork, 'checkpoint' | 'at' | 'disks' | 'kind' | 'distrust'> {
  readonly n: number;
  /** Those of which only what has changed is sent. */
  readonly changed: readonly string[];
  /** By this move before it, bytes. */
  readonly sentBefore: number;
}

export interface LastPass {
  /** Identity and last change of each image of the source (`CopiedImage.source`). */
  readonly sources: Readonly<Record<string, string>>;
  readonly sentBefore: number;
  /** null: it is not whole. */
  readonly durationMs: number | null;
}

/** Of an image on the target. Inodes are used again, and not every file system tells when one was made. */
export const imageName = ({ path, id }: NonNullable<CopiedImage['made']>): string => id ?? path;

/** The image on the target of one disk. */
export interface CopiedImage {
  /** Path and identity (`Volume`), and a name that no other image ever had; null: it is about to be made. */
  readonly made: { readonly path: string; readonly image: string; readonly id?: string } | null;
  /** Everything of the disk below this offset stands there durably, bytes. */
  readonly durable: number;
  /** Sent for it, bytes. */
  readonly sent: number;
  /** Identity and last change of the source's image when its copy began. */
  readonly source: string;
}

export const nothing: DomainState = { v: 1 };

export interface ReadState {
  readonly state: DomainState;
  /** The text in the element as it stands; empty: there is none. For comparing before a write. */
  readonly text: string;
  readonly problem?: string;
}

export function stateOf(domain: Element): ReadState {
  const element = all(domain, 'metadata', 'state').find((one) => one.namespaceURI === namespace);
  return element === undefined ? { state: nothing, text: '' } : readState(element.textContent ?? '');
}

export function readState(text: string): ReadState {
  if (text.trim() === '') return { state: nothing, text: '' };
  try {
    const value = JSON.parse(text) as { v?: unknown };
    if (value.v === 1) return { state: value as DomainState, text };
    return { state: nothing, text, problem: `its metadata was written by a newer version (${String(value.v)})` };
  } catch (error) {
    return { state: nothing, text, problem: `its metadata cannot be understood: ${(error as Error).message}` };
  }
}
