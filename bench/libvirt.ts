/**
 * Real hosts (test/lab): a whole hot `up` beside the bare `virsh migrate`, the relayed copy beside what else carries a disk through this
 * machine, and the reading of a host with 1, 10 and 50 domains. Root on Debian or Ubuntu, and a quiet machine.
 *
 * npx tsx bench/libvirt.ts [--only hot,relay,survey] [--pairs 7] [--rounds 5] [--data 1024] [--check]
 */
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import setup from '../test/lab/setup.js';
import { hot } from './libvirt-hot.js';
import { relay } from './libvirt-relay.js';
import { survey } from './libvirt-survey.js';
import { verdict, type Limit } from './figures.js';

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    only: { type: 'string', default: 'hot,relay,survey' },
    pairs: { type: 'string', default: '7' },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string', default: '1024' },
    check: { type: 'boolean', default: false },
  },
});

const close = setup();
try {
  const chosen = values.only.split(',');
  const limits: Limit[] = [];
  if (chosen.includes('survey')) await survey(Number(values.rounds));
  if (chosen.includes('relay')) limits.push(...(await relay(Number(values.rounds), Number(values.data))));
  if (chosen.includes('hot')) limits.push(...(await hot(Number(values.pairs))));
  console.log();
  verdict(limits, values.check);
} finally {
  close();
}
