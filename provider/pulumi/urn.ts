/** What a URN of the engine says: `urn:pulumi:<stack>::<project>::<types>::<name>`. */

/**
 * The stack as claims and records name it. A file or object-store backend calls its one organization "organization"; a plugin is
 * not told another name, so this stands for every backend.
 */
export function stackOf(urn: string): string {
  const [head = '', project = ''] = urn.split('::');
  return `organization/${project}/${head.split(':').slice(2).join(':')}`;
}

/** The resource's name in the program. */
export const nameOf = (urn: string): string => urn.split('::').slice(3).join('::');

/** Of the resources of the dynamic provider. */
export const dynamicType = 'pulumi-nodejs:dynamic/vmplacement:Placement';

/** One by the plugin, the other by the dynamic provider. */
export const isOfOtherDoor = (one: string, other: string): boolean => isDynamic(one) !== isDynamic(other);

const isDynamic = (urn: string): boolean => (urn.split('::')[2] ?? '').endsWith(dynamicType);
