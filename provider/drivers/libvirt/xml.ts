/** Reading libvirt's XML. A text that is not well formed is an error, never half of it. */
import { DOMParser, type Document, type Element } from '@xmldom/xmldom';

export function parseXml(text: string): Element {
  const document = parse(text);
  const root = document.documentElement;
  if (root === null) throw new Error('not XML: it has no element');
  return root;
}

function parse(text: string): Document {
  let said = 'it cannot be parsed';
  try {
    const onError = (_level: string, message: string): never => {
      said = message.replaceAll(/\s+/g, ' ');
      throw new Error(said);
    };
    return new DOMParser({ onError }).parseFromString(text.trim(), 'text/xml');
  } catch (cause) {
    // The parser puts its own words around ours.
    throw new Error(`not well-formed XML: ${said}`, { cause });
  }
}

/** Elements of this path of names under `from`; `name` of an element with a prefix is without it. */
export function all(from: Element, ...path: readonly string[]): readonly Element[] {
  return path.reduce<readonly Element[]>((found, name) => found.flatMap((element) => childrenOf(element, name)), [from]);
}

export const first = (from: Element, ...path: readonly string[]): Element | undefined => all(from, ...path)[0];
export const textOf = (from: Element, ...path: readonly string[]): string | null => first(from, ...path)?.textContent?.trim() ?? null;

/** null: there is no such attribute. */
export const attribute = (element: Element | undefined, name: string): string | null =>
  element?.hasAttribute(name) === true ? element.getAttribute(name) : null;

function childrenOf(element: Element, name: string): Element[] {
  return Array.from(element.childNodes).filter((node): node is Element => node.nodeType === 1 && (node as Element).localName === name);
}

/** A text as it stands inside an element. */
export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const units: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KiB: 2 ** 10,
  k: 2 ** 10,
  MiB: 2 ** 20,
  M: 2 ** 20,
  GiB: 2 ** 30,
  G: 2 ** 30,
  TiB: 2 ** 40,
  T: 2 ** 40,
};

/** `<memory unit='KiB'>98304</memory>` in bytes; without a unit it is KiB. null: absent or of an unknown unit. */
export function bytesOf(element: Element | undefined): number | null {
  const unit = units[attribute(element, 'unit') ?? 'KiB'];
  const value = Number(element?.textContent ?? 'none');
  return unit === undefined || !Number.isFinite(value) ? null : value * unit;
}
