import type { Method } from './record.js';

/** Names of the steps of each method, in order (rules.md §6). `shutdown` of a cold move only where the VM runs. */
export function stepNames(method: Method, running: boolean): readonly string[] {
  switch (method) {
    case 'hot':
      return ['claim', 'autostart-off', 'migrate', 'block-source', 'read-back', 'retire', 'settle'];
    case 'cold':
      return [
        'claim',
        ...(running ? ['shutdown'] : []),
        'block-source',
        'copy',
        'point-of-no-return',
        'start-target',
        'read-back',
        'retire',
        'settle',
      ];
    case 'staged':
      return [
        'claim',
        'replicate',
        'await-go',
        'shrink',
        'shutdown',
        'block-source',
        'finish',
        'point-of-no-return',
        'start-target',
        'read-back',
        'retire',
        'settle',
      ];
  }
}
