/**
 * Values as they stand in a program, a configuration or a state, before the engine has computed them: interpolations,
 * functions and secrets are not literal, and what is not literal is unknown here, never guessed.
 */
export interface Literals {
  readonly values: Readonly<Record<string, unknown>>;
  /** Properties left out because they are not literal, as "host: ${web.host}". */
  readonly unknown: readonly { readonly name: string; readonly text: string }[];
}

/** The literal ones of these properties; a property of which any part is not literal is left out whole. */
export function literals(properties: unknown): Literals {
  const values: Record<string, unknown> = {};
  const unknown: { name: string; text: string }[] = [];
  for (const [name, value] of Object.entries(isRecord(properties) ? properties : {})) {
    const text = notLiteral(value);
    if (text === null) values[name] = unescape(value);
    else unknown.push({ name, text });
  }
  return { values, unknown };
}

/** What in this value is computed by the engine only, for a person; null where nothing is. */
function notLiteral(value: unknown): string | null {
  if (typeof value === 'string') {
    // `$${` is a literal `${` in Pulumi YAML.
    if (value.replaceAll('$${', '').includes('${')) return value;
    return value === unknownMarker ? 'not computed yet' : null;
  }
  if (Array.isArray(value)) return first(value);
  if (!isRecord(value)) return null;
  if (secretKey in value) return 'a secret';
  if (typeof value['secure'] === 'string' && Object.keys(value).length === 1) return 'a secret';
  const call = Object.keys(value).find((key) => key.toLowerCase().startsWith('fn::'));
  return call ?? first(Object.values(value));
}

/** Marks a secret or asset in a state. */
const secretKey = '4dabf18193072939515e22adb298388d';
/** Stands for a value that is not known in a state. */
const unknownMarker = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

function first(values: readonly unknown[]): string | null {
  for (const value of values) {
    const text = notLiteral(value);
    if (text !== null) return text;
  }
  return null;
}

function unescape(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$${', '${');
  if (Array.isArray(value)) return value.map(unescape);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unescape(part)]));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
