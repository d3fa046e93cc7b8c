// node relay.mjs : writes the queries as Relay wants them, one module each, and compiles them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import relay from 'relay-compiler';

const SUFFIX = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' };
mkdirSync('relay/__generated__', { recursive: true });
for (const file of readdirSync('queries').filter((name) => name.endsWith('.graphql'))) {
  const text = readFileSync(`queries/${file}`, 'utf8');
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/m.exec(text);
  // Relay wants an operation to be named after its module and its kind.
  const named = text.replace(`${kind} ${name}`, `${kind} ${name}${SUFFIX[kind]}`);
  writeFileSync(`relay/${name}.ts`, `import { graphql } from 'relay-runtime';\nexport default graphql\`${named}\`;\n`);
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
console.log(JSON.stringify(readdirSync('relay/__generated__').filter((name) => name.endsWith('.graphql.ts'))));
