// node compose.mjs apollo|guild NAME=URL=FILE... : prints the supergraph, or the errors and exits with 1.
import { readFileSync } from 'node:fs';
import { parse } from 'graphql';

const [composer, ...named] = process.argv.slice(2);
const subgraphs = named.map((text) => {
  const [name, url, file] = text.split('=');
  return { name, url, typeDefs: parse(readFileSync(file, 'utf8')) };
});

async function compose() {
  if (composer === 'apollo') {
    const { composeServices } = await import('@apollo/composition');
    return composeServices(subgraphs);
  }
  const { composeServices } = await import('@theguild/federation-composition');
  return composeServices(subgraphs);
}

const { errors, supergraphSdl } = await compose();
if (errors?.length) {
  console.error(errors.map((error) => error.message).join('\n'));
  process.exit(1);
}
process.stdout.write(supergraphSdl);
