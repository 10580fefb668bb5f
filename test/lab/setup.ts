/** Brings the lab of the tests up before the first test and down after the last one. A lab of a person beside it is not touched. */
import { lab, labPrograms, labState } from './kit.js';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

export default function setup(): () => void {
  execFileSync(`${labPrograms}/install.sh`, { stdio: ['ignore', 'ignore', 'inherit'] });
  lab('down', '--all');
  lab('build');
  lab('up', '4', '--clusters', '2');
  return () => {
    lab('down', '--all');
    rmSync(labState, { recursive: true, force: true });
  };
}
