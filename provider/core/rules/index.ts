export { all } from './all.js';
export type { Rule, RuleInput } from './rule.js';
