/** The definition of a VM as its target gets it: the source's, with other places, our label, and nothing else changed. */
import { XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import { withoutBlock } from './block.js';
import { namespace, type DomainState } from './metadata.js';
import { bridgeName, bridgePrefix } from './survey-host.js';
import { all, attribute, first, parseXml } from './xml.js';

export interface TargetPlaces {
  /** Path on the target of each disk that is copied, by the disk's name (`vda`); others stay where they are. */
  readonly disks: Readonly<Record<string, string>>;
  /** As declared: names of networks here and there; bridges that a NIC names itself are `bridge:<name>`. */
  readonly networks: Readonly<Record<string, string>>;
  readonly state: DomainState;
}

/** @param source as `virsh dumpxml --security-info` prints it, of a running or of the inactive domain. */
export function targetDefinition(source: string, { disks, networks, state }: TargetPlaces): string {
  const domain = parseXml(withoutBlock(source));
  for (const disk of all(domain, 'devices', 'disk')) {
    const path = disks[attribute(first(disk, 'target'), 'dev') ?? ''];
    if (path !== undefined) placeDisk(disk, path);
  }
  for (const nic of all(domain, 'devices', 'interface')) placeNic(nic, networks);
  setState(domain, JSON.stringify(state));
  return new XMLSerializer().serializeToString(domain);
}

/** A copy is one file, whatever the source lay on and however long its chain was. */
function placeDisk(disk: Element, path: string): void {
  const source = first(disk, 'source') ?? append(disk, 'source');
  for (const name of ['file', 'dev', 'pool', 'volume', 'mode', 'index']) source.removeAttribute(name);
  source.setAttribute('file', path);
  disk.setAttribute('type', 'file');
  for (const chain of all(disk, 'backingStore')) disk.removeChild(chain);
}

function placeNic(nic: Element, networks: TargetPlaces['networks']): void {
  const source = first(nic, 'source');
  const network = attribute(source, 'network');
  const here = attribute(source, 'bridge');
  const name = network ?? (here === null ? null : bridgeName(here));
  const there = name === null || !Object.hasOwn(networks, name) ? undefined : networks[name];
  if (source === undefined || there === undefined) return;
  // What libvirt added when the source was started belongs to its own network.
  for (const old of ['network', 'bridge', 'portgroup', 'portid']) source.removeAttribute(old);
  const isBridge = there.startsWith(bridgePrefix);
  nic.setAttribute('type', isBridge ? 'bridge' : 'network');
  if (isBridge) source.setAttribute('bridge', there.slice(bridgePrefix.length));
  else source.setAttribute('network', there);
}

/** A definition with this text in our element; empty: without the element. */
export function withStateText(source: string, text: string): string {
  const domain = parseXml(source);
  setState(domain, text);
  return new XMLSerializer().serializeToString(domain);
}

function setState(domain: Element, text: string): void {
  const metadata = first(domain, 'metadata') ?? append(domain, 'metadata');
  for (const old of all(metadata, 'state').filter((one) => one.namespaceURI === namespace)) metadata.removeChild(old);
  if (text === '') return;
  const document = documentOf(domain);
  const element = document.createElementNS(namespace, 'vmplacement:state');
  element.appendChild(document.createTextNode(text));
  metadata.appendChild(element);
}

function append(parent: Element, name: string): Element {
  const element = documentOf(parent).createElement(name);
  parent.appendChild(element);
  return element;
}

function documentOf({ ownerDocument }: Element): Document {
  if (ownerDocument === null) throw new Error('an element without a document');
  return ownerDocument;
}
