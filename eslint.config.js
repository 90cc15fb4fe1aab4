import eslint from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import walls from './build/lint/walls.js';

const plainNode = ['electron/backend', 'electron/engine', 'electron/web', 'shared', 'renderer'];

export default tseslint.config(
  { ignores: ['dist/', 'release/', 'node_modules/', 'test/.cache/', 'test/.artifacts/'] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.node },
      parserOptions: { projectService: { allowDefaultProject: ['*.js'] }, extraFileExtensions: ['.svelte'] },
    },
    plugins: { hayloft: { rules: { walls } } },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'hayloft/walls': 'error',
      'no-console': 'error',
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Reading JSON as a named type is said at the call: `answer.json<Node>()`.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `type` schemas and handler tables are easier to read with their empty object types spelled out.
      '@typescript-eslint/no-empty-object-type': 'off',
    },
  },
  {
    files: plainNode.map((folder) => `${folder}/**`),
    rules: { 'no-restricted-imports': ['error', { paths: [{ name: 'electron', message: 'Only electron/desktop may import electron.' }] }] },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts', 'renderer/**'],
    languageOptions: { globals: { ...globals.browser }, parserOptions: { parser: tseslint.parser } },
  },
  { files: ['build/**', 'test/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.js', '**/*.mjs'], rules: { '@typescript-eslint/explicit-function-return-type': 'off' } },
);
