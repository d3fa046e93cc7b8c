// node lint.mjs FILE : prints the findings of the linter in a printed schema, as a JSON array of {rule, line, message}.
import { readFileSync } from 'node:fs';
import { Linter } from 'eslint';
import graphql from '@graphql-eslint/eslint-plugin';

const EVERYTHING = {
  types: true,
  rootField: true,
  DirectiveDefinition: true,
  EnumValueDefinition: true,
  FieldDefinition: true,
  InputValueDefinition: true,
};
const UNUSED = {
  alphabetize: 'fields are in the order of their meaning',
  'no-root-type': 'forbids mutations and subscriptions',
  'no-scalar-result-type-on-mutation': 'payloads are objects, which require-field-of-type would check otherwise',
  'require-field-of-type-query-in-mutation-result': 'payloads name what changed, which the client selects',
  'require-nullable-result-in-root': 'a payload is never null: it has userErrors, or the operation fails as a whole',
  'strict-id-in-types': 'most objects are values, which have no identity',
};
const OPTIONS = {
  'require-description': EVERYTHING,
  'input-name': { checkInputType: true, caseSensitiveInputType: false },
};
const EXCEPTIONS = {
  'input-name': /"?Mutation.(cancelFlow|retryFlow|eraseUser)"?|`(cancelFlow|retryFlow|eraseUser)Input`/, // take an id and nothing else
  'no-typename-prefix': /"username"/, // the word of the platform
};

const rules = Object.fromEntries(
  Object.entries(graphql.configs['flat/schema-all'].rules).filter(([name]) => !(name.split('/')[1] in UNUSED)),
);
for (const [name, options] of Object.entries(OPTIONS)) rules[`@graphql-eslint/${name}`] = ['error', options];

const [file] = process.argv.slice(2);
const schema = readFileSync(file, 'utf8');
const config = {
  files: ['**/*.graphql'],
  languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
  plugins: { '@graphql-eslint': graphql },
  rules,
};
const findings = new Linter({ configType: 'flat' })
  .verify(schema, config, { filename: 'schema.graphql' })
  .map(({ ruleId, line, message }) => ({ rule: ruleId?.split('/')[1], line, message }))
  .filter(({ rule, message }) => !EXCEPTIONS[rule]?.test(message));
console.log(JSON.stringify(findings));
