// node relay.mjs : writes the queries as Relay wants them, one module each, and a fragment of each node that can be
// refetched, and compiles them. Prints the names of the operations and fragments, and the refetch queries' texts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import relay from 'relay-compiler';

const PAGE = 'edges { node { id } }';
const ARGUMENTS = 'first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }';
const GIVEN = 'first: $first, after: $after, last: $last, before: $before';
const PAGED = `@argumentDefinitions(${ARGUMENTS})`;
// By the type of the node. The pages of a connection are refetched with their node.
const FRAGMENTS = {
  User: [PAGED, `username highlights(${GIVEN}) @connection(key: "User_highlights") { ${PAGE} }`],
  Highlight: [PAGED, `title items(${GIVEN}) @connection(key: "Highlight_items") { ${PAGE} }`],
  Item: ['', 'kind'],
  Media: ['', 'caption'],
};
const SUFFIX = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' };
mkdirSync('relay/__generated__', { recursive: true });
for (const file of readdirSync('queries').filter((name) => name.endsWith('.graphql'))) {
  const text = readFileSync(`queries/${file}`, 'utf8');
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/m.exec(text);
  // Relay wants an operation to be named after its module and its kind.
  const named = text.replace(`${kind} ${name}`, `${kind} ${name}${SUFFIX[kind]}`);
  writeFileSync(`relay/${name}.ts`, `import { graphql } from 'relay-runtime';\nexport default graphql\`${named}\`;\n`);
}
for (const [type, [definitions, fields]] of Object.entries(FRAGMENTS)) {
  const refetchable = `@refetchable(queryName: "${type}RefetchQuery")`;
  const text = `fragment ${type}Refetch_node on ${type} ${refetchable} ${definitions} { ${fields} }`;
  writeFileSync(
    `relay/${type}Refetch.ts`,
    `import { graphql } from 'relay-runtime';\nexport default graphql\`${text}\`;\n`,
  );
}
const config = {
  src: './relay',
  schema: './api.graphql',
  language: 'typescript',
  artifactDirectory: './relay/__generated__',
  customScalarTypes: { BigInt: 'number', DateTime: 'string', JSON: 'unknown', URL: 'string', Upload: 'File' },
};
writeFileSync('relay.config.json', JSON.stringify(config));
execFileSync(relay, ['relay.config.json'], { stdio: ['ignore', 'inherit', 'inherit'] });
const generated = readdirSync('relay/__generated__').filter((name) => name.endsWith('.graphql.ts'));
const textOf = (name) => {
  const artifact = readFileSync(`relay/__generated__/${name}`, 'utf8');
  return JSON.parse(/"text": (".*")/.exec(artifact)[1]);
};
const refetch = generated.filter((name) => name.endsWith('RefetchQuery.graphql.ts'));
const texts = Object.fromEntries(refetch.map((name) => [name.replace('RefetchQuery.graphql.ts', ''), textOf(name)]));
console.log(JSON.stringify({ generated: generated.map((name) => name.replace('.graphql.ts', '')), texts }));
