import { existsSync, readdirSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const frontDoors = '(pulumi|dynamic|cli|report)';
const outside = '(sdk|tools|test|examples|bench)';

/** Keeps the dependency directions of the layout: front doors -> core <- drivers. Each pattern is a regular expression on the import. */
const restrict = (...patterns) => ({
  'no-restricted-imports': ['error', { patterns: patterns.map(([regex, message]) => ({ regex, message })) }],
});

const folder = new URL('provider/drivers/', import.meta.url);
const sharedByDrivers = ['shared', 'common'];
const drivers = existsSync(folder)
  ? readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !sharedByDrivers.includes(entry.name))
      .map((entry) => entry.name)
  : [];

const coreIsPure = [
  [`^(\\.\\./)+(drivers|${frontDoors.slice(1, -1)}|${outside.slice(1, -1)})/`, 'The core imports neither drivers nor front doors.'],
  [
    '^(node:)?(fs|net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads|os|process|readline|repl|tty|timers)(/|$)',
    'The core does no I/O: time and the world are passed in.',
  ],
  ['^(@pulumi|@grpc)/', 'The core does not know who calls it.'],
];

export default defineConfig(
  globalIgnores([
    'dist/',
    'dist.tmp-*/',
    'coverage/',
    'reports/',
    'bench/.build/',
    'tools/pulumi/',
    'sdk/*',
    '!sdk/nodejs',
    'examples/',
    '**/generated/',
    '**/.vmplacement/',
    // programs of users, compiled and run by tests
    'test/**/fixtures/',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Closed sets are unions, or `as const` objects with a type of the same name.' },
      ],
      // What these find is taste more often than a fault.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/prefer-literal-enum-member': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: { URL: 'readonly' } } },
  { files: ['provider/core/**/*.ts'], rules: restrict(...coreIsPure) },
  {
    files: ['provider/core/rules/*.ts'],
    // index.ts and all.ts put the rules together; rule.ts, types.ts and helpers.ts are what a rule is made of.
    ignores: ['provider/core/rules/{index,all}.ts'],
    rules: restrict(...coreIsPure, ['^\\./(?!(rule|types|helpers)\\.js$)', 'A rule file never imports another rule.']),
  },
  ...drivers.map((driver) => ({
    files: [`provider/drivers/${driver}/**/*.ts`],
    rules: restrict(
      [`^(\\.\\./)+(${frontDoors.slice(1, -1)}|${outside.slice(1, -1)})/`, 'A driver never imports a front door.'],
      ...drivers.filter((other) => other !== driver).map((other) => [`^(\\.\\./)+${other}/`, 'A driver never imports another driver.']),
    ),
  })),
);
