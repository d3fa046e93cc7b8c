// node lists.mjs URL SAMPLES : reads the first pages of each list of the graph with Apollo's own merge function for Relay's
// connections. Prints, by list, how many entries each page had, and the ids that the cache has joined.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { lists, typeOf, within } from './graph.mjs';

const [url, given] = process.argv.slice(2);
const samples = JSON.parse(given).lists;
const PAGES = 3;
const ENTRIES = '{ edges { cursor node { __typename id } } pageInfo { hasNextPage endCursor } }';

function queryOf({ type, field, paging }, sample) {
  const variables = [...(sample.id ? ['$id: ID!'] : []), ...paging.map((name) => `$${name}: ${typeOf(name)}`)];
  const passed = [...paging.map((name) => `${name}: $${name}`), sample.selection].join(', ');
  return gql(`query List(${variables.join(', ')}) { ${within(type, sample, `${field}(${passed}) ${ENTRIES}`)} }`);
}

function policiesOf({ type, field, selecting }) {
  return { [type]: { fields: { [field]: relayStylePagination(selecting.length > 0 && selecting) } } };
}

/** The one list of an answer that is paged. */
function pageIn(value) {
  if (typeof value !== 'object' || value === null) return null;
  if ('pageInfo' in value) return value;
  return Object.values(value).map(pageIn).find((found) => found !== null) ?? null;
}

async function read(list) {
  const sample = samples[list.name];
  const cache = new InMemoryCache({ typePolicies: policiesOf(list) });
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache });
  const asked = { query: queryOf(list, sample), variables: { id: sample.id ?? undefined, first: sample.first } };
  const shown = () => pageIn(client.readQuery(asked));
  const watched = client.watchQuery(asked);
  await new Promise((resolve, reject) => {
    watched.subscribe({ next: ({ data, error }) => (error ? reject(error) : data && pageIn(data) && resolve()), error: reject });
  });
  const sizes = [shown().edges.length];
  while (shown().pageInfo.hasNextPage && sizes.length < PAGES) {
    const { data } = await watched.fetchMore({ variables: { after: shown().pageInfo.endCursor } });
    sizes.push(pageIn(data).edges.length);
  }
  return [list.name, { sizes, ids: shown().edges.map(({ node }) => node.id) }];
}

console.log(JSON.stringify(Object.fromEntries(await Promise.all(lists.map(read)))));
process.exit(0);
