/** The next command, as an operator can paste it: a name that a shell would split or read otherwise is quoted. */
export type Verb = 'annotate' | 'cancel' | 'confirm' | 'resume' | 'status';

export const command = (verb: Verb, vm: string, rest = ''): string => `vmplacement ${verb} ${quoted(vm)}${rest === '' ? '' : ` ${rest}`}`;

const quoted = (word: string): string =>
  /^[\w.:@%+=,/-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", `'\\''`)}'`;
