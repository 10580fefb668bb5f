/** What a move waits for, in words. */
import type { Obstacle } from './policy.js';

/** "a/a1 already sends 2 of 2 VMs (web-01, db-02)": where all slots are taken; else for whom they are kept. */
export function waitText(obstacles: readonly Obstacle[]): string {
  const full = obstacles.filter(({ reservedFor }) => reservedFor === null);
  return (full.length > 0 ? full : obstacles).map(obstacleText).join('; ');
}

function obstacleText({ slot: { kind, name }, limit, by, reservedFor }: Obstacle): string {
  if (reservedFor !== null) return `${reservedFor} is before it ${places[kind](name)}`;
  const moving = `${by.length} of ${limit} ${limit === 1 ? 'VM' : 'VMs'}${by.length === 0 ? '' : ` (${list(by)})`}`;
  switch (kind) {
    case 'source':
      return `${name} already sends ${moving}`;
    case 'target':
      return `${name} already receives ${moving}`;
    case 'link':
      return `${moving} already move between ${name}`;
    case 'datacenter':
      return `${moving} already move in this datacenter`;
  }
}

const places: Readonly<Record<Obstacle['slot']['kind'], (name: string) => string>> = {
  source: (name) => `on ${name}`,
  target: (name) => `on ${name}`,
  link: (name) => `between ${name}`,
  datacenter: () => 'in this datacenter',
};

const shown = 3;

const list = (names: readonly string[]): string =>
  names.length <= shown + 1 ? names.join(', ') : `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
