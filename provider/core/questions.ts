/** What a survey does not tell and a probe may: which of it a decision depends on, and the reading with the answers in it. */
import type { Answer } from './driver.js';
import { blockers, type Finding, type FindingCode } from './finding.js';
import {
  isKnown,
  samePlace,
  unknown,
  type CpuVerdict,
  type Inventory,
  type Link,
  type Place,
  type Timestamp,
  type Vm,
} from './inventory.js';
import { measured } from './link.js';
import { shareLookup } from './lookup.js';
import type { RuleInput } from './rules/rule.js';

export type Question =
  | { readonly kind: 'reach'; readonly from: Place; readonly to: Place }
  /** `cpu`: as the definition of the VM's CPU. */
  | { readonly kind: 'cpu'; readonly cpu: string; readonly host: Place };

export interface Answered {
  readonly question: Question;
  readonly answer: Answer;
  readonly at: Timestamp;
}

/** None where something else stands against hot, such as a link that is declared to be none: then no answer helps. */
export function openQuestions(hot: RuleInput, findings: readonly Finding[]): readonly Question[] {
  const { capabilities, inventory, vm, from, to } = hot;
  if (capabilities.reachability !== 'measured') return [];
  const open: Question[] = [];
  if (measured(inventory, from, to) === undefined) open.push({ kind: 'reach', from, to });
  const cpu = definitionOf(vm);
  if (cpu !== undefined && hot.cpuVerdict === null) open.push({ kind: 'cpu', cpu, host: to });
  const canGo = (code: FindingCode): boolean => open.some(({ kind }) => code === removes[kind]);
  return blockers(findings).every(({ code }) => canGo(code)) ? open : [];
}

/** What an answer may take away. */
const removes: Readonly<Record<Question['kind'], FindingCode>> = { reach: 'reach-unknown', cpu: 'cpu-incompatible' };

const definitionOf = ({ cpu }: Vm): string | undefined => (isKnown(cpu) ? cpu.definition : undefined);

export function cpuVerdict({ cpuVerdicts = [] }: Inventory, vm: Vm, host: Place): CpuVerdict | null {
  const definition = definitionOf(vm);
  return cpuVerdicts.find((one) => one.cpu === definition && samePlace(one.host, host)) ?? null;
}

export function withAnswers(inventory: Inventory, answers: readonly Answered[]): Inventory {
  const told = {
    ...inventory,
    links: [...inventory.links, ...answers.flatMap(linkOf)],
    cpuVerdicts: [...(inventory.cpuVerdicts ?? []), ...answers.flatMap(verdictOf)],
  };
  shareLookup(told, inventory);
  return told;
}

function linkOf({ question, answer: { answer, ...cause }, at }: Answered): Link[] {
  if (question.kind !== 'reach') return [];
  const between = [question.from.host, question.to.host] as const;
  return [
    { between, scope: 'hosts', oneWay: true, direct: answer, source: 'measured', bytesPerSecond: unknown('not measured'), cause, at },
  ];
}

function verdictOf({ question, answer: { answer, ...cause }, at }: Answered): CpuVerdict[] {
  return question.kind === 'cpu' ? [{ cpu: question.cpu, host: question.host, fits: answer, ...cause, at }] : [];
}
