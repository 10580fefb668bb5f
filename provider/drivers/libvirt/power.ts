/** Starts a domain and shuts it down, switches its autostart, and keeps a source from being started by anybody. */
import type { Driver, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText, type CopyRef } from '../../core/inventory.js';
import { blockedBy, blockText, withBlock, withoutBlock } from './block.js';
import type { Connection } from './connection.js';
import { BUSY, CHANGED, changeState, lockBusy, redefine, RUNS, up, virsh, withState, type Change } from './domain-state.js';
import { stateOf } from './metadata.js';
import { quote, script } from './quote.js';
import { needLease } from './records.js';
import { refused } from './refused.js';
import { parseXml } from './xml.js';

type Power = Pick<Driver, 'shutdown' | 'start' | 'autostart' | 'block' | 'unblock'>;

export function power(connectionTo: (host: string) => Connection): Power {
  return {
    async shutdown(copy, how, run) {
      // A guest agent is asked where one answers, else the power button is pressed. A second request changes nothing.
      const verb = how === 'graceful' ? 'shutdown' : 'destroy --graceful';
      if (how === 'power-off') await notePowerOff(connectionTo(copy.host), copy, run);
      // It may go off between the question and the request; then it reads as up for a moment still.
      const isGoing = 'for _ in 1 2 3 4 5 6 7 8; do isUp || exit 0; sleep 0.25; done; exit 1';
      await effect(connectionTo(copy.host), copy, run, (v, domain) => `! isUp || ${v} ${verb} ${domain} || { ${isGoing}; }`);
    },

    async start(copy, run) {
      await effect(connectionTo(copy.host), copy, run, (v, domain) => `isUp || ${v} start ${domain} || isUp`);
    },

    async autostart(copy, value, run) {
      await effect(connectionTo(copy.host), copy, run, (v, domain) => `${v} autostart ${domain}${value ? '' : ' --disable'}`);
    },

    block: (copy, moveId, run) =>
      changeDefinition(connectionTo(copy.host), copy, run, {
        needsOff: true,
        change: (xml) => {
          if (blockedBy(parseXml(xml)) !== null) return xml;
          const { record } = stateOf(parseXml(xml)).state;
          const place = record?.moveId === moveId ? placeText(record.to) : null;
          const changed = withBlock(xml, blockText(moveId, place));
          if (changed !== null) return changed;
          throw new PlacementError(
            'not-possible',
            `The domain ${copy.platformId} on ${placeText(copy)} has a SLIC table of its own, in whose place the block would have to stand.`,
            { next: 'take it out of the definition (virsh edit), or move this VM by hand' },
          );
        },
      }),

    unblock: (copy, run) => changeDefinition(connectionTo(copy.host), copy, run, { change: withoutBlock }),
  };
}

/** A staged move tells its own from that of others, after which nothing that was sent is trusted. */
async function notePowerOff(connection: Connection, { platformId }: CopyRef, run: Run): Promise<void> {
  await run.checkLease();
  await changeState(connection, { uuid: platformId, name: platformId }, (kept) => {
    needLease(kept, platformId, run.holder);
    const { work } = kept.state;
    const next =
      work?.staged === undefined ? null : withState(kept.state, { work: { ...work, staged: { ...work.staged, poweredOff: kept.nowMs } } });
    return { next, result: undefined };
  });
}

const attempts = 5;

async function effect(connection: Connection, copy: CopyRef, run: Run, line: (virsh: string, domain: string) => string): Promise<void> {
  await run.checkLease();
  const [v, domain] = [virsh(connection), quote(copy.platformId)];
  const isUp = `isUp() { case $(${v} domstate ${domain}) in ${up}) ;; *) return 1 ;; esac; }`;
  const done = await connection.exec(script(`export LC_ALL=C; ${isUp}; ${line(v, domain)}`), { signal: run.signal });
  if (done.code !== 0) throw refused(copy, done);
}

/** Begun again when somebody else was faster. */
async function changeDefinition(
  connection: Connection,
  copy: CopyRef,
  run: Run,
  change: Pick<Change, 'needsOff' | 'change'>,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const written = await redefine(connection, copy.platformId, { ...change, before: () => run.checkLease(), signal: run.signal });
    if (written.code === 0) return;
    if (written.code === RUNS)
      throw new PlacementError(
        'not-possible',
        `The domain ${copy.platformId} on ${placeText(copy)} runs: only one that is off can be blocked.`,
      );
    if (written.code === BUSY) throw lockBusy(connection, copy.platformId);
    if (written.code !== CHANGED) throw refused(copy, written);
  }
  throw new PlacementError(
    'conflict',
    `The definition of ${copy.platformId} on ${placeText(copy)} was changed by others ${attempts} times.`,
    {
      next: 'try again',
    },
  );
}
