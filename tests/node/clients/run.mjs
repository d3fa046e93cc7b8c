// node run.mjs apollo|urql URL : what each client makes of the gateway, as JSON {check: outcome}.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [client, url] = process.argv.slice(2);
const socket = url.replace(/^http/, 'ws');
const read = (name) => readFileSync(`queries/${name}.graphql`, 'utf8');
const TRAY = read('tray_by_username');
const CREATE = read('create_highlight');
const WATCH = read('watch_flow');
// A document that no gateway knows yet, also one that has been asked by an earlier run.
const ALIAS = `own_${randomUUID().replaceAll('-', '_')}`;
const OWN = `query Own($username: String!) { user(by: { username: $username }) { id ${ALIAS}: username } }`;
const DEFERRED = `query Deferred($id: ID!) {
  user(by: { id: $id }) { id ... @defer(label: "tray") { highlights { totalCount } } }
}`;
const PAGE = `query Page($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  user(by: { id: $id }) {
    id
    highlights(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`;
const highlight = (key) => ({
  account: '787132',
  title: 'From a client',
  media: [{ url: 'https://images.example.com/one.jpg' }],
  idempotencyKey: `${client}-${key}`,
});

async function apollo() {
  const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = await import('@apollo/client');
  const { GraphQL17Alpha9Handler } = await import('@apollo/client/incremental');
  const { PersistedQueryLink } = await import('@apollo/client/link/persisted-queries');
  const { GraphQLWsLink } = await import('@apollo/client/link/subscriptions');
  const { createClient } = await import('graphql-ws');
  const { createHash } = await import('node:crypto');
  const { WebSocket } = await import('ws');
  const { relayStylePagination } = await import('@apollo/client/utilities');
  const { print } = await import('graphql');

  let seen = [];
  const watching = (target, options) => {
    seen.push({ method: options.method, hasQuery: /query(\+|%20| )\w+/.test(options.body ?? String(target)) });
    return fetch(target, options);
  };
  const made = (link) =>
    new ApolloClient({ link, cache: new InMemoryCache(), incrementalHandler: new GraphQL17Alpha9Handler() });
  const http = made(new HttpLink({ uri: url }));
  const persisted = made(
    ApolloLink.from([
      new PersistedQueryLink({
        sha256: (text) => createHash('sha256').update(text).digest('hex'),
        useGETForHashedQueries: true,
      }),
      new HttpLink({ uri: url, fetch: watching, headers: { 'apollo-require-preflight': '1' } }),
    ]),
  );

  // Follows the cursors to the end of the list, and returns the ids that the cache has joined.
  async function pages(window, next) {
    const typePolicies = { User: { fields: { highlights: relayStylePagination() } } };
    const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache({ typePolicies }) });
    // To this user no client publishes meanwhile.
    const asked = { query: gql(PAGE), variables: { id: '2122000038', ...window } };
    const query = client.watchQuery(asked);
    await new Promise((resolve) => query.subscribe({ next: ({ data }) => data?.user && resolve() }));
    const shown = () => client.readQuery(asked).user.highlights;
    const isMore = ({ hasNextPage, hasPreviousPage }) => ('last' in window ? hasPreviousPage : hasNextPage);
    for (let fetched = 1; isMore(shown().pageInfo) && fetched < 9; fetched += 1)
      await query.fetchMore({ variables: { ...window, ...next(shown().pageInfo) } });
    return shown().edges.map(({ node }) => node.id);
  }

  const outcome = {};
  const tray = await http.query({ query: gql(TRAY), variables: { username: 'natgeo' } });
  outcome.query = tray.data.user.highlights.totalCount;

  const own = { query: gql(OWN), variables: { username: 'natgeo' }, fetchPolicy: 'network-only' };
  await persisted.query(own);
  await persisted.query(own);
  outcome.persisted = seen;
  seen = [];
  await persisted.query({ query: gql(TRAY), variables: { username: 'natgeo' }, fetchPolicy: 'network-only' });
  outcome.trusted = seen;

  outcome.forward = await pages({ first: 8 }, ({ endCursor }) => ({ first: 8, after: endCursor }));
  outcome.backward = await pages({ last: 8 }, ({ startCursor }) => ({ last: 8, before: startCursor }));

  outcome.defer = [];
  await new Promise((resolve, reject) => {
    const result = http.watchQuery({ query: gql(DEFERRED), variables: { id: '787132' }, fetchPolicy: 'network-only' });
    result.subscribe({
      next({ data, dataState }) {
        if (data?.user) outcome.defer.push({ dataState, count: data.user.highlights?.totalCount ?? null });
        if (dataState === 'complete') resolve();
      },
      error: reject,
    });
  });

  const created = await http.mutate({ mutation: gql(CREATE), variables: highlight('mutation') });
  outcome.mutation = created.data.createHighlight.highlight.title;

  const link = new GraphQLWsLink(createClient({ url: socket, webSocketImpl: WebSocket }));
  outcome.webSocket = await states(made(link), gql(WATCH), created.data.createHighlight.flow.id);
  outcome.multipart = await states(http, gql(WATCH), created.data.createHighlight.flow.id);
  link.client.dispose();
  return outcome;
}

function states(client, query, id) {
  return new Promise((resolve, reject) => {
    const found = [];
    client.subscribe({ query, variables: { id } }).subscribe({
      next: ({ data, error }) => (error ? reject(error) : found.push(data.flow.state)),
      error: reject,
      complete: () => resolve(found),
    });
  });
}

async function urql() {
  const { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } = await import('@urql/core');
  const { createClient } = await import('graphql-sse');
  const events = createClient({ url });
  const made = new Client({
    url,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: events.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  const checked = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  const outcome = {};
  outcome.query = checked(await made.query(gql(TRAY), { username: 'natgeo' })).user.highlights.totalCount;
  const created = checked(await made.mutation(gql(CREATE), highlight('mutation'))).createHighlight;
  outcome.mutation = created.highlight.title;
  outcome.events = await new Promise((resolve, reject) => {
    const found = [];
    made.subscription(gql(WATCH), { id: created.flow.id }).subscribe(({ data, error }) => {
      if (error) return reject(error);
      found.push(data.flow.state);
      if (data.flow.state === 'DONE') resolve(found);
    });
  });
  return outcome;
}

console.log(JSON.stringify(await { apollo, urql }[client]()));
process.exit(0);
