// node reconnect.mjs URL FLOW : follows a flow while the gateway stops and another one starts at the same address.
// Prints a line when each client has heard of the flow, and at the end what each made of the stop, as JSON.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import { WebSocket } from 'ws';

const [url, id] = process.argv.slice(2);
const query = 'subscription Flow($id: ID!) { flow(id: $id) { state } }';
// Who retries, and after what, is the clients' own: only the wait is shorter than theirs.
const soon = () => new Promise((resolve) => setTimeout(resolve, 200));
const patient = { retryAttempts: 100, retryWait: soon };

// The states until the flow is done; `subscribe` gets a sink.
function followed(name, subscribe) {
  return new Promise((resolve) => {
    const states = [];
    subscribe({
      next: ({ data, error }) => {
        if (error) return resolve({ states, error: error.errors?.[0]?.extensions?.code ?? String(error) });
        if (states.push(data.flow.state) === 1) console.log(name);
      },
      error: (error) => resolve({ states, error: error.message ?? String(error) }),
      complete: () => resolve({ states }),
    });
  });
}

const socket = createSocket({
  url: `${url.replace(/^http/, 'ws')}/graphql`,
  webSocketImpl: WebSocket,
  // By default it gives up where nobody listens, as between the end of a gateway and the start of the next one.
  shouldRetry: () => true,
  ...patient,
});
const events = createEvents({ url: `${url}/graphql`, ...patient });
const apollo = new ApolloClient({ link: new HttpLink({ uri: `${url}/graphql` }), cache: new InMemoryCache() });
const asked = { query, variables: { id } };
const outcomes = await Promise.all([
  followed('graphql-ws', (sink) => socket.subscribe(asked, sink)),
  followed('graphql-sse', (sink) => events.subscribe(asked, sink)),
  followed('apollo', (sink) => apollo.subscribe({ query: gql(query), variables: { id } }).subscribe(sink)),
]);
console.log(JSON.stringify(outcomes));
process.exit(0);
