// node relay.mjs SAMPLES : writes the queries as Relay wants them, one module each, a fragment of each node that can be
// refetched, and one of each list that can be paged, and compiles them. SAMPLES is what tests/clients/samples.py says of
// both. Prints the names of the operations and fragments, and by their modules the texts of the queries that read them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import relay from 'relay-compiler';
import { lists, nodes, typeOf, within } from './graph.mjs';

const samples = JSON.parse(process.argv[2]);
// What the names of queries end with that read a fragment.
const READING = 'ReadQuery';
const SUFFIX = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' };
mkdirSync('relay/__generated__', { recursive: true });
for (const file of readdirSync('queries').filter((name) => name.endsWith('.graphql'))) {
  const text = readFileSync(`queries/${file}`, 'utf8');
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/m.exec(text);
  // Relay wants an operation to be named after its module and its kind.
  const named = text.replace(`${kind} ${name}`, `${kind} ${name}${SUFFIX[kind]}`);
  writeFileSync(`relay/${name}.ts`, `import { graphql } from 'relay-runtime';\nexport default graphql\`${named}\`;\n`);
}
for (const type of nodes) {
  write(`${type}Node`, `fragment ${type}Node_node on ${type} ${refetchable(`${type}Node`)} { ${samples.nodes[type].field} }`);
}
for (const list of lists) writeList(list, samples.lists[list.name]);

function write(module, text) {
  writeFileSync(`relay/${module}.ts`, `import { graphql } from 'relay-runtime';\nexport default graphql\`${text}\`;\n`);
}

function refetchable(module) {
  return `@refetchable(queryName: "${module}${READING}")`;
}

/** A pagination fragment; of a parent that Relay cannot fetch again, a plain one, and the query that reads it. */
function writeList({ type, field, paging, isRefetchable }, sample) {
  const module = `${type}${field[0].toUpperCase()}${field.slice(1)}`;
  const definitions = paging.map((argument) => `${argument}: { type: "${typeOf(argument)}" }`);
  const given = paging.map((argument) => `${argument}: $${argument}`);
  const connection = `@connection(key: "${type}_${field}")`;
  write(
    module,
    `fragment ${module}_parent on ${type}
      ${isRefetchable ? refetchable(module) : ''} @argumentDefinitions(${definitions.join(', ')}) {
      ${field}(${[...given, sample.selection].join(', ')}) ${connection} { edges { node { __typename id } } }
    }`,
  );
  if (isRefetchable) return;
  const name = `${module}${READING}`;
  const variables = ['$id: ID!', ...paging.map((argument) => `$${argument}: ${typeOf(argument)}`)];
  const spread = `...${module}_parent @arguments(${given.join(', ')})`;
  write(name, `query ${name}(${variables.join(', ')}) { ${within(type, sample, spread)} }`);
}

const config = {
  src: './relay',
  schema: './api.graphql',
  language: 'typescript',
  artifactDirectory: './relay/__generated__',
  customScalarTypes: { BigInt: 'number', Date: 'string', DateTime: 'string', JSON: 'unknown', URL: 'string', Upload: 'File' },
};
writeFileSync('relay.config.json', JSON.stringify(config));
execFileSync(relay, ['relay.config.json'], { stdio: ['ignore', 'inherit', 'inherit'] });
const generated = readdirSync('relay/__generated__').filter((name) => name.endsWith('.graphql.ts'));
const textOf = (name) => {
  const artifact = readFileSync(`relay/__generated__/${name}`, 'utf8');
  return JSON.parse(/"text": (".*")/.exec(artifact)[1]);
};
const reading = generated.filter((name) => name.endsWith(`${READING}.graphql.ts`));
const texts = Object.fromEntries(reading.map((name) => [name.replace(`${READING}.graphql.ts`, ''), textOf(name)]));
console.log(JSON.stringify({ generated: generated.map((name) => name.replace('.graphql.ts', '')), texts }));
